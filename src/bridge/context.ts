import type { ServerResponse } from 'node:http'
import type { HeldStream, Clock, LineSink, SessionMemory, ToolDoor } from '../domain/index.ts'
import type { Sealer } from '../protocol/index.ts'
import type { BridgeLimits } from './limits.ts'
import type { Inbound } from './http/read-body.ts'
import type { ReplayBudget } from './http/replay-budget.ts'
import type { Hold } from './translation/hold.ts'
import type { Listener } from './translation/legacy-listeners.ts'
import type { ModernSubscription } from './translation/modern-subscription.ts'
import type { Pool } from './processes/pool.ts'
import type { ProcessPolicy } from './processes/process-policy.ts'
import type { SessionStore } from './sessions/session-store.ts'
import type { ToolHeaders } from './http/tool-headers.ts'

/** What the parts of one bridge share. */
export interface BridgeContext extends BridgeCore {
  readonly pool: Pool
  readonly sessions: SessionStore
  readonly subscription: ModernSubscription
}

export interface BridgeCore {
  /** Random; names the bridge in event ids and tokens. */
  readonly id: string
  readonly deploymentId: string
  /** Where it is, for tokens of a deployment that has a bridge on each node. */
  readonly node: string | null
  readonly limits: BridgeLimits
  readonly clock: Clock
  readonly output: LineSink
  readonly sealer: Sealer
  readonly stateSealer: Sealer
  /** Calls of modern clients on legacy processes of their own, by id. */
  readonly holds: Map<string, Hold>
  readonly listeners: Set<Listener>
  readonly memory: SessionMemory
  /** Streams of whole sessions that clients listen on. */
  readonly openStreams: Map<ServerResponse, HeldStream>
  readonly budget: ReplayBudget
  readonly inbound: Inbound
  readonly processes: ProcessPolicy
  /** Whether a session ends with its process, because what the server remembers of it cannot be made again. */
  readonly stateful: boolean
  readonly toolHeaders: ToolHeaders
  /** What stands between clients and tools; null where nobody ever sets anything. */
  readonly tools: ToolDoor | null
  /** Milliseconds that only go forward, moved on by the sweeper: good enough for idle times, and free. */
  now: number
  /** When a client last opened a session, or the dashboard asked something, in the same milliseconds. */
  usedAt: number
  /** Set once nothing new is accepted. */
  stopping: boolean
}
