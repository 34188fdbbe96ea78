import type { ServerResponse } from 'node:http'
import type { CatwalkError } from '../../domain/index.ts'
import { byteLength, RPC, SSE_HEADERS, SSE_KEEP_ALIVE, sseMessage, type Bytes } from '../../protocol/index.ts'
import type { Sink } from '../processes/call.ts'
import type { Outflow } from './outflow.ts'
import { catwalkError, respondJson } from './respond.ts'

/** HTTP statuses of errors (2026-07-28, Streamable HTTP); all other errors are answers like any other. */
const STATUS: ReadonlyMap<number | null, number> = new Map([
  [RPC.methodNotFound, 404],
  [RPC.headerMismatch, 400],
  [RPC.missingCapability, 400],
  [RPC.unsupportedVersion, 400],
])

/**
 * The answer to one request of the modern era. Its headers wait for the first message: a result alone goes out as JSON,
 * anything that comes before it, and a long silence, make it an event stream. The stream cannot be resumed.
 */
export class ModernReply implements Sink {
  readonly #res: ServerResponse
  readonly #requestId: string
  readonly #flow: Outflow
  readonly #keepAliveMs: number
  #streaming: boolean
  #wroteAt = 0
  #now = 0
  /** Whether it was answered, so that the end of the connection means nothing. */
  done = false

  constructor(res: ServerResponse, requestId: string, flow: Outflow, keepAliveMs: number) {
    this.#res = res
    this.#requestId = requestId
    this.#flow = flow
    this.#keepAliveMs = keepAliveMs
    // It was kept waiting with a stream while the server started.
    this.#streaming = res.headersSent
  }

  notify(message: Bytes): boolean {
    if (this.done || this.#res.destroyed) return false
    this.#stream(sseMessage(message))
    return true
  }

  answer(message: Bytes, errorCode: number | null): void {
    if (this.done) return
    this.done = true
    if (!this.#streaming) {
      respondJson(this.#res, STATUS.get(errorCode) ?? 200, this.#requestId, message)
      if (byteLength(message) > 65_536) this.#flow.wrote(this.#res, false)
    } else if (!this.#res.destroyed) {
      this.#stream(sseMessage(message))
      this.#res.end()
    }
  }

  fail(id: string, error: CatwalkError): void {
    this.answer(catwalkError(id, error, this.#requestId), null)
  }

  keepAlive(now: number): void {
    this.#now = now
    if (this.done || this.#res.destroyed || (this.#streaming && now - this.#wroteAt < this.#keepAliveMs))
      return
    // What waits to be sent says enough, and one that takes nothing must not look as if something had moved.
    if (this.#res.writableLength > 0) return
    this.#stream(SSE_KEEP_ALIVE)
  }

  abandon(): void {
    if (this.done) return
    this.done = true
    this.#res.destroy()
  }

  #stream(bytes: Bytes): void {
    const res = this.#res
    if (!this.#streaming) {
      this.#streaming = true
      res.writeHead(200, [
        ...SSE_HEADERS,
        'x-content-type-options',
        'nosniff',
        'x-request-id',
        this.#requestId,
      ])
      res.flushHeaders()
    }
    this.#wroteAt = this.#now
    if (typeof bytes === 'string') res.write(bytes, 'latin1')
    else {
      res.cork()
      for (const part of bytes) res.write(part)
      res.uncork()
    }
    this.#flow.wrote(res, true)
  }
}
