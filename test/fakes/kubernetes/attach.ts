// The server's side of attaching to a container over a WebSocket: RFC 6455, and the subprotocols v4.channel.k8s.io and
// v5.channel.k8s.io, in which the first byte of each message says which stream it is for.
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex, Writable } from 'node:stream'
import type { Container } from './kubelet.ts'

/** A connection whose messages belong to channels. */
export interface Channels {
  readonly protocol: string
  /** Resolves when there is room for more. */
  send(channel: number, bytes: Buffer): Promise<void>
  /** Says that this is all. */
  close(): void
  /** Reads no more until it has been dealt with. */
  onMessage: (message: Buffer) => Promise<void>
  onClose: () => void
}

export interface AttachedTo {
  /** Null when nothing runs. */
  readonly container: Container | null
  readonly wants: (stream: 'stdin' | 'stdout' | 'stderr') => boolean
  /** Whether its input ends with that of who attached first. */
  readonly closesInput: boolean
  readonly hasInput: boolean
  readonly violated: (what: string) => void
}

const KEY_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const CLOSES_STREAMS = 'v5.channel.k8s.io'
const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const
const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, status: 3, close: 255 } as const
const NORMAL = Buffer.from([0x03, 0xe8])

/** Carries bytes between a container and who attached to it, and says at the end how it went. */
export function serveAttachment(channels: Channels, target: AttachedTo): void {
  const { container, wants, closesInput, hasInput, violated } = target
  const conclude = async (status: object): Promise<void> => {
    await channels.send(CHANNEL.status, Buffer.from(JSON.stringify({ metadata: {}, ...status })))
    channels.close()
  }
  if (container === null) {
    const message = 'container is not running'
    void conclude({ status: 'Failure', message, reason: 'InternalError', code: 500 })
    return
  }
  const { child } = container
  const stdin = wants('stdin') && hasInput ? child.stdin : null
  const endFollowing = container.follow(async (stream, bytes) => {
    if (wants(stream)) await channels.send(CHANNEL[stream], bytes)
  })
  const endInput = (): void => {
    if (closesInput) stdin?.end()
  }
  channels.onMessage = async (message) => {
    // An empty one is for no stream; it shows that somebody is there.
    if (message.length === 0) return
    const channel = message[0]
    if (channel === CHANNEL.stdin && stdin !== null) {
      if (!stdin.write(message.subarray(1)) && !stdin.destroyed) await drained(stdin)
    } else if (
      channel === CHANNEL.close &&
      channels.protocol === CLOSES_STREAMS &&
      message[1] === CHANNEL.stdin
    ) {
      endInput()
    } else {
      violated(`a message for channel ${channel}`)
    }
  }
  channels.onClose = () => {
    endFollowing()
    endInput()
  }
  child.once('close', () => void conclude({ status: 'Success' }))
}

/**
 * Answers the handshake with the best protocol that both sides know.
 * @throws Error for what is no handshake
 */
export function acceptChannels(
  { headers }: IncomingMessage,
  socket: Duplex,
  known: readonly string[],
  violated: (what: string) => void,
): Channels {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim())
  const protocol = known.find((one) => offered.includes(one))
  const key = headers['sec-websocket-key']
  if (protocol === undefined || key === undefined || headers['sec-websocket-version'] !== '13')
    throw new Error(`no handshake that is known: ${JSON.stringify(headers)}`)
  const accept = createHash('sha1')
    .update(key + KEY_SUFFIX)
    .digest('base64')
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade']
  socket.write(
    [...lines, `Sec-WebSocket-Accept: ${accept}`, `Sec-WebSocket-Protocol: ${protocol}`, '', ''].join('\r\n'),
  )
  const write = async (opcode: number, body: Buffer): Promise<void> => {
    if (socket.destroyed || socket.writableEnded) return
    if (!socket.write(frame(opcode, body))) await drained(socket)
  }
  const channels: Channels = {
    protocol,
    send: async (channel, bytes) => write(OPCODE.binary, Buffer.concat([Buffer.of(channel), bytes])),
    close() {
      void write(OPCODE.close, NORMAL)
      socket.end()
    },
    onMessage: async () => undefined,
    onClose: () => undefined,
  }
  async function read(): Promise<void> {
    let rest = Buffer.alloc(0)
    // A stream without an encoding gives buffers.
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      rest = Buffer.concat([rest, chunk])
      for (let found = parse(rest); found !== null; found = parse(rest)) {
        const { opcode, body, isMasked, isFinal, length } = found
        rest = rest.subarray(length)
        if (!isMasked) violated('a frame of a client that is not masked')
        if (!isFinal || opcode === OPCODE.continuation || opcode === OPCODE.text)
          violated(`a frame with opcode ${opcode}`)
        if (opcode === OPCODE.binary) await channels.onMessage(body)
        else if (opcode === OPCODE.ping) await write(OPCODE.pong, body)
        else if (opcode === OPCODE.close) return channels.close()
      }
    }
  }
  void read()
    .catch(() => undefined)
    .finally(() => {
      channels.onClose()
      socket.destroy()
    })
  return channels
}

/** Resolves when a stream takes more, or never will. */
async function drained(stream: Writable): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  stream.once('drain', resolve).once('close', resolve)
  await promise
  stream.off('drain', resolve).off('close', resolve)
}

interface Frame {
  readonly opcode: number
  readonly isFinal: boolean
  readonly isMasked: boolean
  readonly body: Buffer
  /** Of the whole frame. */
  readonly length: number
}

/** The first frame; null when it is not there yet (RFC 6455, section 5.2). */
function parse(bytes: Buffer): Frame | null {
  if (bytes.length < 2) return null
  const [first = 0, second = 0] = bytes
  const short = second & 0x7f
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0
  const isMasked = (second & 0x80) !== 0
  const start = 2 + lengthBytes + (isMasked ? 4 : 0)
  if (bytes.length < start) return null
  const size =
    lengthBytes === 0 ? short : lengthBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))
  if (bytes.length < start + size) return null
  const body = Buffer.from(bytes.subarray(start, start + size))
  if (isMasked)
    for (let at = 0; at < size; at++) body[at] = (body[at] ?? 0) ^ (bytes[start - 4 + (at % 4)] ?? 0)
  return { opcode: first & 0x0f, isFinal: (first & 0x80) !== 0, isMasked, body, length: start + size }
}

function frame(opcode: number, body: Buffer): Buffer {
  const head =
    body.length < 126
      ? Buffer.of(0x80 | opcode, body.length)
      : body.length < 65_536
        ? Buffer.of(0x80 | opcode, 126, body.length >> 8, body.length & 0xff)
        : Buffer.concat([Buffer.of(0x80 | opcode, 127), bigEndian(body.length)])
  return Buffer.concat([head, body])
}

function bigEndian(length: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(length))
  return bytes
}
