import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Answer {
  readonly status: number
  /** The head as it came. */
  readonly head: string
  /** Without the framing of chunks. */
  readonly body: Buffer
}

const HEAD_END = Buffer.from('\r\n\r\n')
const LAST_CHUNK = Buffer.from('0\r\n\r\n')

/**
 * One keep-alive connection that carries one request at a time. Written for the least work per call, because the client
 * shares the machine with what it measures.
 */
export class Connection {
  readonly #socket: Socket
  readonly #waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void }[] = []
  #parts: Buffer[] = []
  #length = 0
  #head = ''
  #headBytes = -1
  /** -1: in chunks. */
  #bodyBytes = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#received(chunk))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('The connection was closed.')))
  }

  static async open(port: number): Promise<Connection> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new Connection(socket)
  }

  /** @param head of the request without `Content-Length` and without the blank line */
  request(head: string, body: string): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    this.#waiting.push({ resolve, reject })
    this.#socket.write(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
    return promise
  }

  get open(): boolean {
    return !this.#socket.destroyed && this.#socket.writable
  }

  close(): void {
    this.#socket.destroy()
  }

  #received(chunk: Buffer): void {
    // What has come is joined only when the head is looked for and at the end.
    this.#parts.push(chunk)
    this.#length += chunk.length
    if (this.#headBytes === -1 && !this.#readHead()) return
    const chunked = this.#bodyBytes === -1
    if (chunked ? !this.#endsWithLastChunk(chunk) : this.#length < this.#headBytes + this.#bodyBytes) return
    const raw = this.#joined().subarray(this.#headBytes)
    this.#parts = []
    this.#length = 0
    this.#headBytes = -1
    const body = chunked ? unchunked(raw) : raw
    this.#waiting.shift()?.resolve({ status: Number(this.#head.slice(9, 12)), head: this.#head, body })
  }

  #endsWithLastChunk(chunk: Buffer): boolean {
    const tail = chunk.length >= LAST_CHUNK.length ? chunk : this.#joined()
    return tail.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK)
  }

  #readHead(): boolean {
    const all = this.#joined()
    const end = all.indexOf(HEAD_END)
    if (end === -1) return false
    this.#head = all.toString('latin1', 0, end + 2)
    this.#headBytes = end + 4
    const chunked = /\r\ntransfer-encoding: *chunked/i.test(this.#head)
    this.#bodyBytes = chunked ? -1 : Number(/\r\ncontent-length: *(\d+)/i.exec(this.#head)?.[1] ?? 0)
    return true
  }

  #joined(): Buffer {
    const [only] = this.#parts
    const all =
      this.#parts.length === 1 && only !== undefined ? only : Buffer.concat(this.#parts, this.#length)
    this.#parts = [all]
    return all
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}

function unchunked(raw: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < raw.length;) {
    const line = raw.indexOf('\r\n', at)
    const size = Number.parseInt(raw.toString('latin1', at, line), 16)
    if (size === 0) break
    parts.push(raw.subarray(line + 2, line + 2 + size))
    at = line + 2 + size + 2
  }
  return Buffer.concat(parts)
}
