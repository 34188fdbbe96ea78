import type { LegacyVersion, SessionClaims } from '../protocol/index.ts'
import type { EventStream } from './event-stream.ts'
import type { Upstream } from './upstream.ts'

/** A legacy session as its bridge knows it. What is not in the token is lost with the bridge. */
export interface Session {
  readonly token: string
  readonly claims: SessionClaims
  readonly version: LegacyVersion
  /** Whether it has a process of its own; decided anew when it gets one. */
  own: boolean
  /** The process that serves it now, if one does. */
  upstream: Upstream | null
  /** Set while a process of its own is being started for it. */
  connecting: Promise<Upstream> | null
  /** Messages that belong to no call go here; the client reads them with GET. */
  readonly listen: EventStream
  /** All streams that can be resumed, by name. */
  readonly streams: Map<string, EventStream>
  /** Requests of the server that the client has not answered: letters of the id, and when it was sent. */
  readonly asked: Map<string, number>
  /** Whether what was kept beside the token is in here; a session that came back has to ask for it first. */
  recalled: boolean
  /** Lowest level of log messages that the client wants; null: it never said. */
  level: string | null
  readonly subscriptions: Set<string>
  callsInFlight: number
  /** Milliseconds, coarse. */
  usedAt: number
  ended: boolean
}
