import type { Caller, CatwalkError } from '../../domain/index.ts'
import type { Bytes, Edit, Envelope } from '../../protocol/index.ts'
import type { Report } from '../report.ts'
import type { Session } from '../sessions/session.ts'

/** Takes what a server sends for one request, in order. */
export interface Sink {
  /**
   * Something that comes before the answer: progress, a log message, a request of the server. False when nobody can
   * receive it any more.
   */
  notify(message: Bytes): boolean
  /**
   * The result or error, with the id of the request as its sender wrote it. Nothing follows.
   * @param errorCode of the JSON-RPC error; null for a result
   */
  answer(message: Bytes, errorCode: number | null): void
  /** There will be no answer. `id`: the letters of the request's id. */
  fail(id: string, error: CatwalkError): void
  /** The request has waited for a while in silence. `now`: milliseconds, coarse. */
  keepAlive(now: number): void
  /** The request was cancelled by its sender, who wants to hear nothing more. */
  abandon(): void
}

/**
 * Looks at an answer before it is passed on, where client and server are of different eras. Adds to `edits` what has to
 * change besides the id, or returns true when it has dealt with the answer itself.
 */
export type Translate = (line: Buffer, envelope: Envelope, edits: Edit[]) => boolean

/** One request on its way to a server process. */
export interface Call {
  /** Null for requests of our own, and for those of the modern era. */
  readonly session: Session | null
  readonly subject: string
  /** Who sent it, for a server that runs in this process; absent for requests of our own. */
  readonly caller?: Caller
  /** The letters of the sender's id and progress token (JSON); both are replaced by a number of ours on the way. */
  readonly id: string
  progressToken: string | null
  readonly sink: Sink
  /** Milliseconds, coarse. */
  readonly startedAt: number
  /** Lowest level of log messages that a request of the modern era asks for; without one it gets none. */
  readonly logLevel?: string
  readonly translate?: Translate
  /** Looks at the answer once it is translated: the list of tools as clients are to see it. */
  readonly relist?: (answer: Bytes, line: Buffer, envelope: Envelope) => Bytes
  readonly report?: Report
  /** A client listens to it for as long as it likes, so that nobody waits for its end. */
  readonly isSubscription?: boolean
  /** Whether that client waits for changes of the list of tools. */
  readonly watchesTools?: boolean
  /** Whether that client waits for updates of resources. */
  readonly watchesResources?: boolean
  /** Whether that client knows already which changes it is told of. */
  readonly acknowledged?: boolean
  /** Takes messages of a subscription of our own. */
  readonly received?: (line: Buffer, envelope: Envelope, method: string) => void
}
