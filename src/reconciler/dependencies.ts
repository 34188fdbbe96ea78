import type { queries } from '../db/index.ts'
import type { ServerResponse } from 'node:http'
import type {
  CatwalkError,
  HeldStream,
  InstanceTools,
  Logger,
  Runtime,
  RuntimeKind,
} from '../domain/index.ts'
import type {
  AccountKeeper,
  BatchedLogWriter,
  Changes,
  ServiceDependencies,
  SessionMemories,
} from '../services/index.ts'

import type { Metrics } from '../telemetry/index.ts'
import type { InstanceRegistry } from './instances.ts'
import type { StandIn, StandInOptions } from './people.ts'

/** Points of the work at which a test can stop the program to kill it there. */
export type Checkpoint =
  | 'release.installing'
  | 'release.installed'
  | 'release.starting'
  | 'release.started'
  | 'release.probed'
  | 'release.live'
  | 'deployment.serving'
  | 'deployment.sleeping'
  | 'deployment.waking'
  | 'deployment.removing'

export interface ReconcilerDependencies {
  readonly db: queries.Handle
  readonly nodeId: string
  readonly runtimes: ReadonlyMap<RuntimeKind, Runtime>
  readonly vault: ServiceDependencies['vault']
  readonly logs: BatchedLogWriter
  readonly sessions: Pick<SessionMemories, 'open'>
  readonly accounts: Pick<AccountKeeper, 'freshen'>
  /** What stands between the clients of an instance of a release and its tools. */
  readonly tools: (deploymentId: string, releaseId: string) => InstanceTools
  readonly logger: Logger
  readonly metrics: Pick<Metrics, 'reconcilerStep' | 'instanceEnded'>
  readonly instances: InstanceRegistry
  /** How long nobody must have called a deployment that has no time of its own before it sleeps; 0: it does not. */
  readonly idleTimeoutMs: number
  /** How often a running instance is asked for a sign of life, and how long it may take; after two that fail it is unhealthy. */
  readonly healthEveryMs: number
  readonly healthTimeoutMs: number
  readonly probeTimeoutMs: number
  /** Takes the streams that clients listen on when their instance is about to end, until there is another one. */
  readonly hold: (deploymentId: string, streams: readonly HeldStream[]) => void
  /** Tells when something about a deployment has changed. */
  readonly changes: Changes
  /** What answers for one person while no process of theirs runs, where each person has their own. */
  readonly standIn: (options: StandInOptions) => StandIn
  /** Answers a request that cannot be served. */
  readonly refuse: (res: ServerResponse, requestId: string, error: CatwalkError) => void
  /** Processes of people that one deployment may have at a time. */
  readonly peopleAtOnce: number
  /** Origin without a trailing slash. */
  readonly publicUrl: string
  /** How long this node goes on without the database. Then its instances end, before another node may start them. */
  readonly staleAfterMs: number
  /** How long a server may take to end by itself after its standard input was closed. */
  readonly graceMs: number
  readonly checkpoint: (at: Checkpoint) => Promise<void>
}
