import type { CatwalkError } from '../domain/index.ts'
import type { Bytes } from '../protocol/index.ts'
import type { Session } from './session.ts'

/** Takes what a server sends for one request, in order. */
export interface Sink {
  /**
   * Something that comes before the answer: progress, a log message, a request of the server. False when nobody can
   * receive it any more.
   */
  notify(message: Bytes): boolean
  /** The result or error, with the id of the request as its sender wrote it. Nothing follows. */
  answer(message: Bytes): void
  /** There will be no answer. `id`: the letters of the request's id. */
  fail(id: string, error: CatwalkError): void
  /** The request has waited for a while in silence. */
  keepAlive(): void
  /** The request was cancelled by its sender, who wants to hear nothing more. */
  abandon(): void
}

/** One request on its way to a server process. */
export interface Call {
  /** Null for requests of our own. */
  readonly session: Session | null
  readonly subject: string
  /** The letters of the sender's id and progress token (JSON); both are replaced by a number of ours on the way. */
  readonly id: string
  readonly progressToken: string | null
  readonly sink: Sink
  /** Milliseconds, coarse. */
  readonly startedAt: number
}
