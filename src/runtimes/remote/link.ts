import type { CatwalkError, LineSink } from '../../domain/index.ts'
import type { HttpResponse } from '../../network/index.ts'
import type { Bytes, Envelope } from '../../protocol/index.ts'
import type { Wire } from './wire.ts'

/** For what the remote server is working on. */
export const SILENCE_MS = 600_000

export interface RemoteProcessOptions {
  readonly wire: Wire
  readonly url: URL
  /** One message, in either direction. */
  readonly maxMessageBytes: number
  /** Whether a session that the server has forgotten is opened anew; otherwise this ends with it. */
  readonly mayReopen: boolean
  readonly output: LineSink
}

/** What the parts of a remote process share. */
export interface Link {
  readonly options: RemoteProcessOptions
  /** Aborted when it is over. */
  readonly signal: AbortSignal
  /** Takes what an answer holds. Resolves with the id of its last event when the answer was a stream. */
  take(answer: HttpResponse, reading: Reading): Promise<void>
  /** Gives a message to the bridge, or to whoever of us waits for it. */
  deliver(bytes: Buffer): Promise<void>
  /** Says something to the bridge in the server's name. */
  say(message: Bytes): void
  /** Asks something of our own: the id to use, and the answer. */
  expect(signal: AbortSignal): { readonly id: string; readonly answer: Promise<Answer> }
  /** Whether a request still waits for its answer. */
  isWaiting(id: number | string): boolean
  /** Resolves when it does not any more. */
  answered(id: number): Promise<void>
  fail(id: number, error: CatwalkError): void
  end(): void
}

export interface Answer {
  readonly line: Buffer
  readonly envelope: Envelope
}

export interface Reading {
  /** What is due in it; the stream may end after it. Null: nothing is. */
  readonly due: number | string | null
  readonly onId?: (id: string) => void
  readonly onRetry?: (ms: number) => void
  /** Events other than messages. */
  readonly onEvent?: (event: string, data: string) => void
  /** Without a byte; 0: as long as it takes. */
  readonly silenceMs: number
}
