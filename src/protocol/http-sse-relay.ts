import type { IncomingMessage, ServerResponse } from 'node:http'

// As a module, node:http evaluates all that it exports: 13 MiB of an HTTP client that nobody here uses.
const http = process.getBuiltinModule('node:http')

/** Refusals of Streamable HTTP that are JSON-RPC errors of one request, if they name it. */
const ERRORS_OF_REQUESTS: ReadonlySet<number> = new Set([400, 404])

/**
 * Takes the answer of Streamable HTTP to one request and writes its messages to the stream of a client of HTTP+SSE.
 * What is refused before the request was accepted is answered as an HTTP error, unless it is the error of one request:
 * clients look for that on the stream, such as those who ask which revisions there are before they say `initialize`.
 */
export class Relay extends http.ServerResponse {
  readonly #stream: ServerResponse
  /** The client's own request; null for one of ours. */
  #direct: ServerResponse | null
  #mode: 'waiting' | 'refused' | 'events' | 'document' | 'nothing' = 'waiting'
  #parts: Buffer[] = []
  #head: ReadonlyMap<string, string> = new Map()

  constructor(req: IncomingMessage, stream: ServerResponse, direct: ServerResponse | null) {
    super(req)
    this.#stream = stream
    this.#direct = direct
    Object.defineProperties(this, {
      headersSent: { get: () => this.#mode !== 'waiting' },
      writableLength: { get: () => stream.writableLength },
    })
  }

  /** The session that the answer opened. */
  get session(): string | undefined {
    return this.#head.get('mcp-session-id')
  }

  /** Tells the client that its message was taken; whatever comes now comes on the stream. */
  accept(): void {
    if (this.#mode === 'refused') return
    this.#take()
  }

  #take(): void {
    const direct = this.#direct
    this.#direct = null
    if (direct === null || direct.headersSent || direct.destroyed) return
    direct.writeHead(202, ['content-length', '0'])
    direct.end()
  }

  /** The stream is gone, and with it whoever would read the answer. */
  vanish(): void {
    if (this.destroyed) return
    this.destroyed = true
    this.emit('close')
  }

  override writeHead(status: number, ...given: unknown[]): this {
    const headers = given.at(-1)
    this.statusCode = status
    this.#head = namesAndValues(headers)
    if (status >= 400 && this.#direct !== null) {
      this.#mode = 'refused'
      return this
    }
    this.accept()
    const type = this.#head.get('content-type') ?? ''
    this.#mode = type.startsWith('text/event-stream')
      ? 'events'
      : type.startsWith('application/json')
        ? 'document'
        : 'nothing'
    return this
  }

  override flushHeaders(): void {
    // The head of the stream was sent when it was opened.
  }

  override write(chunk: string | Uint8Array, ...more: unknown[]): boolean {
    const encoding = more[0] === 'latin1' ? 'latin1' : 'utf8'
    const bytes =
      typeof chunk === 'string'
        ? Buffer.from(chunk, encoding)
        : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    if (this.#mode !== 'nothing') this.#parts.push(bytes)
    // A message has no line break, so an event may be complete only where one came.
    if (this.#mode === 'events' && bytes.includes(10)) this.#sendEvents()
    return !this.#stream.writableNeedDrain
  }

  override end(...given: unknown[]): this {
    const [chunk, encoding] = given
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) this.write(chunk, encoding)
    if (this.#mode === 'refused') this.#refuse(Buffer.concat(this.#parts))
    else if (this.#mode === 'document') this.#send(Buffer.concat(this.#parts))
    this.#parts = []
    // What waits for the end of an answer is told, as by a response with a socket.
    process.nextTick(() => {
      this.emit('finish')
      this.vanish()
    })
    return this
  }

  override destroy(): this {
    this.#stream.destroy()
    return this
  }

  #refuse(body: Buffer): void {
    if (ERRORS_OF_REQUESTS.has(this.statusCode) && namesRequest(body)) {
      this.#take()
      return this.#send(body)
    }
    this.#direct?.writeHead(this.statusCode, [...this.#head].flat())
    this.#direct?.end(body)
  }

  #sendEvents(): void {
    const all = Buffer.concat(this.#parts)
    let from = 0
    for (let end = all.indexOf('\n\n'); end !== -1; end = all.indexOf('\n\n', from)) {
      const event = all.subarray(from, end)
      from = end + 2
      const data = event.indexOf('data: ')
      if (data !== -1) this.#send(event.subarray(data + 6))
      else if (event[0] === COLON) this.#stream.write(': alive\n\n')
    }
    this.#parts = from < all.length ? [all.subarray(from)] : []
  }

  /** Events without data only give ids to resume from, which this transport does not have. */
  #send(message: Buffer): void {
    if (message.length === 0 || this.#stream.destroyed) return
    this.#stream.cork()
    this.#stream.write('event: message\ndata: ')
    this.#stream.write(message)
    this.#stream.write('\n\n')
    this.#stream.uncork()
  }
}

const COLON = 58

/** Whether a refusal is the JSON-RPC error of a request. */
function namesRequest(body: Buffer): boolean {
  try {
    const error: unknown = JSON.parse(body.toString())
    return typeof error === 'object' && error !== null && 'id' in error && error.id !== null
  } catch {
    return false
  }
}

/** Headers as writeHead takes them: a list of names and values in turn, or an object. */
function namesAndValues(headers: unknown): ReadonlyMap<string, string> {
  if (Array.isArray(headers)) {
    const found = new Map<string, string>()
    for (let at = 0; at + 1 < headers.length; at += 2)
      found.set(String(headers[at]).toLowerCase(), String(headers[at + 1]))
    return found
  }
  if (typeof headers !== 'object' || headers === null) return new Map()
  return new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]))
}
