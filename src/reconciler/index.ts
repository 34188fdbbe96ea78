export type { StandIn, StandInOptions } from './people.ts'
export type { Checkpoint, ReconcilerDependencies } from './dependencies.ts'
export { createInstanceRegistry, type InstanceRegistry } from './instances.ts'
export { startReconciler, type Reconciler } from './loop.ts'
