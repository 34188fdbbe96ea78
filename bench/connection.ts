import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Answer {
  readonly status: number
  /** The head as it came. */
  readonly head: string
  readonly body: Buffer
}

const HEAD_END = Buffer.from('\r\n\r\n')

/**
 * One keep-alive connection that carries one request at a time and understands answers with a length. Written for the
 * least work per call, because the client shares the machine with what it measures.
 */
export class Connection {
  readonly #socket: Socket
  readonly #waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void }[] = []
  #parts: Buffer[] = []
  #length = 0
  #head = ''
  #headBytes = -1
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

  close(): void {
    this.#socket.destroy()
  }

  #received(chunk: Buffer): void {
    // What has come is joined only when the head is looked for and at the end.
    this.#parts.push(chunk)
    this.#length += chunk.length
    if (this.#headBytes === -1 && !this.#readHead()) return
    if (this.#length < this.#headBytes + this.#bodyBytes) return
    const body = this.#joined().subarray(this.#headBytes)
    this.#parts = []
    this.#length = 0
    this.#headBytes = -1
    this.#waiting.shift()?.resolve({ status: Number(this.#head.slice(9, 12)), head: this.#head, body })
  }

  #readHead(): boolean {
    const all = this.#joined()
    const end = all.indexOf(HEAD_END)
    if (end === -1) return false
    this.#head = all.toString('latin1', 0, end + 2)
    this.#headBytes = end + 4
    this.#bodyBytes = Number(/\r\ncontent-length: *(\d+)/i.exec(this.#head)?.[1] ?? 0)
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
