import {
  createServer,
  request as sendRequest,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from 'node:http'
import type { Socket as DatagramSocket } from 'node:dgram'
import type { Server, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { endToEndHeaders, parseAuthority } from './proxy-requests.ts'
import type { Resolver } from './resolver.ts'
import { EgressRefusal, type Dial } from '../../../network/index.ts'
import { anySignal } from '../../../domain/index.ts'

export interface ProxyOptions {
  readonly dial: Dial
  /** Knows the names behind addresses that only the sandbox has. */
  readonly resolver?: Resolver
  /** Told of each refusal, in words. Not limited: whoever shows it decides how often. */
  readonly onRefused: (target: string, reason: string) => void
  /** Open connections at a time. */
  readonly maxConnections: number
  /** How long a connection may take to come about. */
  readonly dialTimeoutMs: number
  /** How long a connection may be silent. */
  readonly idleTimeoutMs: number
}

export const PROXY_DEFAULTS = {
  maxConnections: 256,
  dialTimeoutMs: 15_000,
  idleTimeoutMs: 15 * 60_000,
} as const

/** The proxy of one confined program. */
export interface Proxy {
  /** Carries on, by name, what is connected to addresses of the resolver at a port. */
  relay(listener: Server, port: number): void
  /** Answers queries for names. */
  answerNames(socket: DatagramSocket): void
  /** Closes the listening socket and every connection. */
  close(): void
}

/**
 * Serves an HTTP proxy (CONNECT, and plain HTTP with absolute URLs) on a socket that listens inside a sandbox. It runs
 * in this process, so that nothing in the sandbox has a network of its own.
 */
export function serveProxy(listener: Server, options: ProxyOptions): Proxy {
  const sockets = new Set<Duplex>()
  const others: { close(): unknown }[] = []
  const ended = new AbortController()
  const http = createServer({ requestTimeout: 0, headersTimeout: 10_000, keepAliveTimeout: 5_000 })
  const context: ProxyContext = {
    options,
    track: (socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    },
    signal: ended.signal,
  }

  listener.maxConnections = options.maxConnections
  listener.on('connection', (socket) => {
    context.track(socket)
    socket.on('error', () => socket.destroy())
    http.emit('connection', socket)
  })
  listener.on('error', () => listener.close())
  http.on('connect', (request, client, head) => {
    void tunnel(context, request, client, head).catch(() => client.destroy())
  })
  http.on('request', (request, response) => {
    void forward(context, request, response).catch(() => response.destroy())
  })
  http.on('clientError', (_error, socket) => socket.destroy())

  return {
    relay(relayed, port) {
      others.push(relayed)
      // A program may end its half and still listen; the socket was opened where that could not be said.
      Object.assign(relayed, { allowHalfOpen: true })
      relayed.maxConnections = options.maxConnections
      relayed.on('error', () => relayed.close())
      relayed.on('connection', (socket) => {
        context.track(socket)
        socket.on('error', () => socket.destroy())
        if (sockets.size > 2 * options.maxConnections) socket.destroy()
        else void carry(context, socket, port).catch(() => socket.destroy())
      })
    },
    answerNames(socket) {
      others.push(socket)
      socket.on('error', () => undefined)
      socket.on('message', (query, from) => {
        const answer = options.resolver?.answer(query) ?? null
        if (answer !== null) socket.send(answer, from.port, from.address, () => undefined)
      })
    },
    close() {
      ended.abort()
      listener.close()
      for (const other of others) other.close()
      closeHttp(http)
      for (const socket of sockets) socket.destroy()
    },
  }
}

interface ProxyContext {
  readonly options: ProxyOptions
  readonly track: (socket: Duplex) => void
  readonly signal: AbortSignal
}

function closeHttp(http: HttpServer): void {
  http.closeAllConnections()
  // It never listened itself, so that there is nothing else to close but its timer.
  http.close(() => undefined)
}

async function tunnel(
  context: ProxyContext,
  request: IncomingMessage,
  client: Duplex,
  head: Buffer,
): Promise<void> {
  const target = parseAuthority(request.url ?? '')
  if (target === null) return answerRaw(client, 400, 'CONNECT needs host:port')
  const host = nameBehind(context, target.host)
  const outcome = await open(context, host, target.port, client)
  if (!outcome.ok) return answerRaw(client, outcome.status, outcome.reason)
  client.write('HTTP/1.1 200 Connection established\r\n\r\n')
  if (head.length > 0) outcome.socket.write(head)
  join(client, outcome.socket)
}

/** Connects a program that does not know that there is a proxy. */
async function carry(context: ProxyContext, client: Socket, port: number): Promise<void> {
  const name = context.options.resolver?.nameOf(client.localAddress ?? '') ?? null
  if (name === null) return void client.resetAndDestroy()
  const outcome = await open(context, name, port, client)
  if (outcome.ok) join(client, outcome.socket)
  else client.resetAndDestroy()
}

function join(client: Duplex, upstream: Socket): void {
  // Each side may end its half; when one is gone the other has nobody left to talk to.
  upstream.once('close', () => client.destroy())
  client.pipe(upstream)
  upstream.pipe(client)
}

async function forward(
  context: ProxyContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = URL.parse(request.url ?? '')
  if (url === null || url.protocol !== 'http:') {
    response
      .writeHead(400, { 'content-type': 'text/plain' })
      .end('This is a proxy: send an absolute http URL.\n')
    return
  }
  if (url.hostname === RESOLVER_HOST && context.options.resolver !== undefined) {
    return answerName(context.options.resolver, request, response)
  }
  const host = nameBehind(context, url.hostname.replace(/^\[(.*)\]$/, '$1'))
  const outcome = await open(context, host, url.port === '' ? 80 : Number(url.port), response)
  if (!outcome.ok) {
    response.writeHead(outcome.status, { 'content-type': 'text/plain' }).end(`${outcome.reason}\n`)
    return
  }
  const upstream = sendRequest({
    method: request.method ?? 'GET',
    path: `${url.pathname}${url.search}`,
    // The name that was checked is the name that the other side hears.
    headers: [...endToEndHeaders(request.rawHeaders, ['host']), 'Host', url.host],
    setHost: false,
    createConnection: () => outcome.socket,
  })
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    upstream.once('response', resolve)
    upstream.once('error', reject)
  })
  try {
    // A server may answer before it has read everything; what then happens to the rest is no failure.
    pipeline(request, upstream).catch(() => undefined)
    const answer = await answered
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, [
      ...endToEndHeaders(answer.rawHeaders, []),
    ])
    await pipeline(answer, response)
  } finally {
    outcome.socket.destroy()
  }
}

/** Where relays that have no way to hand their socket out ask for names: an HTTP request with the query as its body. */
const RESOLVER_HOST = 'resolver.invalid'
const MAX_QUERY_BYTES = 1_024

async function answerName(
  resolver: Resolver,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue
    bytes += chunk.length
    if (bytes > MAX_QUERY_BYTES) return void response.writeHead(413).end()
    chunks.push(chunk)
  }
  const answer = resolver.answer(Buffer.concat(chunks))
  response.writeHead(answer === null ? 400 : 200).end(answer ?? '')
}

/** Programs that look names up themselves and then ask the proxy for the address still mean the name. */
function nameBehind({ options }: ProxyContext, host: string): string {
  return options.resolver?.nameOf(host) ?? host
}

type Opened =
  | { readonly ok: true; readonly socket: Socket }
  | { readonly ok: false; readonly status: number; readonly reason: string }

/** Dials for a client and gives up when the client, the time or the proxy does. */
async function open(
  { options, track, signal }: ProxyContext,
  host: string,
  port: number,
  client: { once(event: 'close', listener: () => void): unknown },
): Promise<Opened> {
  const gone = new AbortController()
  client.once('close', () => gone.abort())
  const timeout = AbortSignal.timeout(options.dialTimeoutMs)
  try {
    const socket = await options.dial(host, port, anySignal([signal, gone.signal, timeout]))
    socket.on('error', () => socket.destroy())
    socket.setTimeout(options.idleTimeoutMs, () => socket.destroy())
    client.once('close', () => socket.destroy())
    track(socket)
    if (signal.aborted || gone.signal.aborted) socket.destroy()
    return { ok: true, socket }
  } catch (error) {
    const target = `${host}:${port}`
    if (error instanceof EgressRefusal) {
      options.onRefused(target, error.message)
      return { ok: false, status: 403, reason: `Connection to ${target} refused: ${error.message}` }
    }
    if (timeout.aborted) return { ok: false, status: 504, reason: `${target} did not answer in time` }
    const detail = error instanceof Error ? error.message : 'failed'
    return { ok: false, status: 502, reason: `${target} cannot be reached: ${detail}` }
  }
}

const STATUS_TEXT: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  502: 'Bad Gateway',
  504: 'Gateway Timeout',
}

function answerRaw(client: Duplex, status: number, reason: string): void {
  const body = `${reason}\n`
  client.end(
    `HTTP/1.1 ${status} ${STATUS_TEXT[status] ?? 'Error'}\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
