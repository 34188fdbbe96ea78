import type { LegacyVersion, SessionClaims } from '../../protocol/index.ts'
import type { EventStream } from '../http/event-stream.ts'
import type { Upstream } from '../processes/upstream.ts'

/** A request of the server on its way to the client. */
export interface Asked {
  /** Coarse milliseconds. */
  readonly at: number
  /**
   * Takes the letters of the client's answer, or null when there will be none; null where the answer just goes to the
   * server's process.
   */
  readonly answered: ((answer: ClientAnswer | null) => void) | null
}

/** The letters of a result, or of an error. */
export type ClientAnswer = { readonly result: string } | { readonly error: string }

/** A client's request between two tries. */
export interface Round {
  /** The letters of its id. */
  readonly id: string
  cancel(): void
}

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
  /** Requests of the server that the client has not answered, by the letters of their ids. */
  readonly asked: Map<string, Asked>
  /** Requests of the client that wait for its own answers before the server gets them again. */
  readonly rounds: Set<Round>
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
