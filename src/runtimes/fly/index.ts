export { createFlyRuntime, type FlyRuntimeOptions } from './runtime.ts'
export type { FlyAccount } from './machines-api.ts'
export type { FlyReach } from './machine-request.ts'
