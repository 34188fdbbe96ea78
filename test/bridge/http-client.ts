import { request, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'

export interface RawAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The JSON-RPC messages in the answer, of an event stream as of a JSON document. */
  readonly messages: readonly RawMessage[]
  /** Ids of the events, in order. */
  readonly eventIds: readonly string[]
}

export interface RawMessage {
  readonly id?: unknown
  readonly method?: string
  readonly params?: Record<string, unknown>
  readonly result?: Record<string, unknown>
  readonly error?: {
    readonly code: number
    readonly message: string
    readonly data?: Record<string, unknown>
  }
}

export type Headers = Readonly<Record<string, string | undefined>>

const BOTH = 'application/json, text/event-stream'

/** Sends one HTTP request and reads the whole answer. A header of undefined leaves out one that is sent by default. */
export async function send(
  url: string,
  method: string,
  headers: Headers = {},
  body: string | Buffer | null = null,
): Promise<RawAnswer> {
  const res = await open(url, method, headers, body).response
  let text = ''
  for await (const part of res.setEncoding('utf8')) text += String(part)
  return {
    status: res.statusCode ?? 0,
    headers: res.headers,
    text,
    ...parse(text, res.headers['content-type']),
  }
}

/** Sends one HTTP request and hands over the answer as it begins. */
export function open(
  url: string,
  method: string,
  headers: Headers = {},
  body: string | Buffer | null = null,
): { request: ClientRequest; response: Promise<IncomingMessage> } {
  const all = { accept: BOTH, ...(body === null ? {} : { 'content-type': 'application/json' }), ...headers }
  const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const req = request(url, { method, headers: Object.fromEntries(given), agent: false }, resolve)
  req.on('error', reject)
  req.end(body ?? undefined)
  // Who only wants to cut the connection does not wait for an answer.
  promise.catch(() => undefined)
  return { request: req, response: promise }
}

export interface OpenStream {
  readonly status: number
  /** The next message; waits for at most `limitMs`. */
  next(limitMs?: number): Promise<RawMessage>
  /** Every line so far. */
  readonly lines: readonly string[]
  readonly lastEventId: () => string | undefined
  /** Resolves when the server has ended the stream. */
  readonly ended: Promise<void>
  close(): void
}

/** Opens an event stream and reads its messages one by one. */
export async function openStream(
  url: string,
  method: string,
  headers: Headers = {},
  body: string | null = null,
): Promise<OpenStream> {
  const { request: req, response } = open(url, method, headers, body)
  const res = await response
  const lines: string[] = []
  const waiting: ((message: RawMessage) => void)[] = []
  const ready: RawMessage[] = []
  const ended = Promise.withResolvers<void>()
  const reader = createInterface({ input: res })
  res.on('error', () => undefined)
  reader.on('error', () => undefined)
  reader.on('close', () => ended.resolve())
  reader.on('line', (line) => {
    lines.push(line)
    if (!line.startsWith('data: ') || line === 'data: ') return
    // What the bridge under test sent.
    const message = JSON.parse(line.slice(6)) as RawMessage
    const next = waiting.shift()
    if (next === undefined) ready.push(message)
    else next(message)
  })
  return {
    status: res.statusCode ?? 0,
    lines,
    lastEventId: () => lines.findLast((line) => line.startsWith('id: '))?.slice(4),
    ended: ended.promise,
    async next(limitMs = 5000) {
      const message = ready.shift()
      if (message !== undefined) return message
      const { promise, resolve, reject } = Promise.withResolvers<RawMessage>()
      const timer = setTimeout(() => reject(new Error(`no message within ${limitMs} ms`)), limitMs)
      waiting.push(resolve)
      try {
        return await promise
      } finally {
        clearTimeout(timer)
      }
    },
    close: () => req.destroy(),
  }
}

function parse(text: string, type: string | undefined): { messages: RawMessage[]; eventIds: string[] } {
  if (type?.startsWith('text/event-stream') === true) {
    const lines = text.split('\n')
    return {
      messages: lines
        .filter((line) => line.startsWith('data: ') && line !== 'data: ')
        .map((line) => JSON.parse(line.slice(6)) as RawMessage),
      eventIds: lines.filter((line) => line.startsWith('id: ')).map((line) => line.slice(4)),
    }
  }
  if (type !== 'application/json' || text === '') return { messages: [], eventIds: [] }
  const parsed = JSON.parse(text) as RawMessage | RawMessage[]
  return { messages: Array.isArray(parsed) ? parsed : [parsed], eventIds: [] }
}
