import type { ServerResponse } from 'node:http'
import type { CatwalkError } from '../../domain/index.ts'
import { byteLength, SSE_HEADERS, wrap, type Bytes } from '../../protocol/index.ts'
import type { Sink } from '../processes/call.ts'
import type { EventStream } from './event-stream.ts'
import { catwalkError, respondJson } from './respond.ts'
import type { Session } from '../sessions/session.ts'

/**
 * The answer to one POST. Its headers wait for the first message: a result alone goes out as JSON, anything that comes
 * before the last result, and a long silence, make it an event stream.
 */
export class Reply implements Sink {
  readonly #res: ServerResponse
  readonly #requestId: string
  readonly #session: Session
  readonly #openStream: () => EventStream
  /** Answers that are still due. */
  #due: number
  /** Answers to a batch that came before the last one; null when the POST was a single request. */
  #batch: Bytes[] | null
  #stream: EventStream | null = null

  /** @param due how many requests the POST held; `batch` when they came as an array */
  constructor(
    res: ServerResponse,
    requestId: string,
    session: Session,
    openStream: () => EventStream,
    due: number,
    batch: boolean,
  ) {
    this.#res = res
    this.#requestId = requestId
    this.#session = session
    this.#openStream = openStream
    this.#due = due
    this.#batch = batch ? [] : null
    // It was kept waiting with a stream while the server started.
    if (res.headersSent) this.#streaming()
  }

  notify(message: Bytes): boolean {
    const stream = this.#streaming()
    stream?.send(message)
    return stream !== null
  }

  answer(message: Bytes): void {
    this.#due--
    if (this.#stream !== null) {
      this.#stream.send(message)
      if (this.#due === 0) this.#stream.finish()
    } else if (this.#batch === null) this.#json(message)
    else {
      this.#batch.push(message)
      if (this.#due === 0) this.#json(array(this.#batch))
    }
  }

  fail(id: string, error: CatwalkError): void {
    this.answer(catwalkError(id, error, this.#requestId))
  }

  keepAlive(): void {
    this.#streaming()
  }

  abandon(): void {
    this.#due--
    if (this.#due > 0) return
    if (this.#stream !== null) this.#stream.finish()
    else if (this.#batch !== null && this.#batch.length > 0) this.#json(array(this.#batch))
    else if (!this.#res.destroyed) {
      // No answer may follow a cancellation, so this is a stream that ends without one.
      this.#res.writeHead(200, [...SSE_HEADERS, 'x-request-id', this.#requestId])
      this.#res.end()
    }
  }

  #json(body: Bytes): void {
    respondJson(this.#res, 200, this.#requestId, body)
    if (byteLength(body) > 65_536) this.#session.upstream?.flow.wrote(this.#res, false)
  }

  #streaming(): EventStream | null {
    if (this.#stream !== null) return this.#stream
    // Gone before it got an event id: it has nothing to resume from.
    if (this.#res.destroyed) return null
    this.#stream = this.#openStream()
    this.#stream.attach(this.#res, this.#requestId, null)
    for (const message of this.#batch ?? []) this.#stream.send(message)
    this.#batch = null
    return this.#stream
  }
}

function array(messages: readonly Bytes[]): Bytes {
  let all: Bytes = ''
  for (const [index, message] of messages.entries())
    all = concat(all, wrap(index === 0 ? '[' : ',', message, ''))
  return wrap('', all, ']')
}

function concat(left: Bytes, right: Bytes): Bytes {
  if (typeof left === 'string' && typeof right === 'string') return left + right
  return [...parts(left), ...parts(right)]
}

function parts(bytes: Bytes): readonly Buffer[] {
  return typeof bytes === 'string' ? [Buffer.from(bytes, 'latin1')] : bytes
}
