import type { queries } from '../db/index.ts'
import type { Logger, Runtime, RuntimeKind } from '../domain/index.ts'
import type { BatchedLogWriter, ServiceDependencies, SessionMemories } from '../services/index.ts'

import type { Metrics } from '../telemetry/index.ts'
import type { InstanceRegistry } from './instances.ts'

/** Points of the work at which a test can stop the program to kill it there. */
export type Checkpoint =
  | 'release.installing'
  | 'release.installed'
  | 'release.starting'
  | 'release.started'
  | 'release.probed'
  | 'release.live'
  | 'deployment.serving'
  | 'deployment.removing'

export interface ReconcilerDependencies {
  readonly db: queries.Handle
  readonly nodeId: string
  readonly runtimes: ReadonlyMap<RuntimeKind, Runtime>
  readonly vault: ServiceDependencies['vault']
  readonly logs: BatchedLogWriter
  readonly sessions: Pick<SessionMemories, 'open'>
  readonly logger: Logger
  readonly metrics: Pick<Metrics, 'reconcilerStep' | 'instanceEnded'>
  readonly instances: InstanceRegistry
  readonly probeTimeoutMs: number
  /** How long this node goes on without the database. Then its instances end, before another node may start them. */
  readonly staleAfterMs: number
  /** How long a server may take to end by itself after its standard input was closed. */
  readonly graceMs: number
  readonly checkpoint: (at: Checkpoint) => Promise<void>
}
