import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Instance, Secret, ToolSheet } from '../../domain/index.ts'
import { errorMessage, hasSecret, serveEndpoint, type EndpointAction } from '../../forwarding/index.ts'
import { PULSE_MS, type Journal, type Pulse, type Recollection } from '../elsewhere/index.ts'
import type { SessionLink } from './session-link.ts'
import type { ToolLink } from './tool-link.ts'

// As a module, node:http evaluates all that it exports: 13 MiB of an HTTP client.
const { createServer } = process.getBuiltinModule('node:http')

/** Longer than load balancers and our own client keep idle connections, so that it is never we who close one first. */
const KEEP_ALIVE_MS = 75_000
const CHECK_MS = 60_000
const LONGEST_GRACE_MS = 300_000

export interface ServedInstance {
  readonly url: string
  readonly journal: Journal
  /** What answers; null until it runs. */
  instance: Instance | null
  /** What was asked for with the order to stop. */
  graceMs: number | null
  /** Waits until everything was told to somebody, or the time is over, and closes. */
  close(limitMs: number): Promise<void>
}

export interface ServeOptions {
  readonly host: string
  readonly port: number
  readonly secret: Secret
  readonly journal: Journal
  readonly sessions: SessionLink
  /** Null where nothing is ever set for tools. */
  readonly tools: ToolLink | null
  /** Called when it is told to stop, or when nobody has watched it for `unwatchedMs`. */
  readonly stop: () => void
  readonly unwatchedMs: number
}

/**
 * The way in, for whoever has the secret: the endpoint (`/mcp`, `/request`, `/probe`), `/check`, `/watch` with the journal
 * from a number on, `/sessions` for what was asked about them, `/tools` for what is set for them,
 * `/rest` before it is suspended, `/stop`. `/healthz` is open and says that the machine is up.
 */
export async function serveInstance(options: ServeOptions): Promise<ServedInstance> {
  const { host, port, secret, journal } = options
  const watching = { told: 0 }
  // Whoever started it is gone for good, or has forgotten it: it must not run, and cost, for ever.
  // Counted and not measured: a machine that was suspended for days has been unwatched for no longer than it was awake.
  let unwatched = 0
  const counting = setInterval(() => {
    if (++unwatched > UNWATCHED_COUNTS) options.stop()
  }, options.unwatchedMs / UNWATCHED_COUNTS)
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 }, (req, res) => {
    const { pathname, searchParams } = new URL(req.url ?? '/', 'http://machine')
    if (pathname === '/healthz') return answer(res, 200, { ok: true })
    // To anybody else there is nothing here.
    if (!hasSecret(req, secret)) return void res.writeHead(404).end()
    res.on('error', () => undefined)
    switch (pathname) {
      case '/mcp':
      case '/request':
      case '/probe':
        return forward(served, pathname.slice(1) as EndpointAction, req, res)
      case '/check':
        return void check(served, res)
      case '/sessions':
        return void take(req, res, (told) => options.sessions.answer(told as Recollection))
      case '/tools':
        return void take(req, res, (told) => options.tools?.set(told as ToolSheet))
      case '/rest':
        return rest(served, options, Number(searchParams.get('from') ?? 0) || 0, res)
      case '/stop':
        served.graceMs = Math.min(Number(searchParams.get('graceMs') ?? 0) || 0, LONGEST_GRACE_MS)
        answer(res, 202, { ok: true })
        return options.stop()
      case '/watch':
        return void tell(served, watching, Number(searchParams.get('from') ?? 0) || 0, res, () => {
          unwatched = 0
        })
      default:
        return void res.writeHead(404).end()
    }
  })
  const served: ServedInstance = {
    url: '',
    journal,
    instance: null,
    graceMs: null,
    async close(limitMs) {
      const end = performance.now() + limitMs
      while (watching.told < journal.next && performance.now() < end) await journal.changed(POLL_MS)
      clearInterval(counting)
      server.close()
      server.closeIdleConnections()
      setTimeout(() => server.closeAllConnections(), LINGER_MS).unref()
      await once(server, 'close')
    },
  }
  server.listen(port, host)
  await once(server, 'listening')
  return Object.assign(served, { url: urlOf(server) })
}

const POLL_MS = 50
const UNWATCHED_COUNTS = 15
/** For the last answer to arrive. */
const LINGER_MS = 500

function forward(
  { instance }: ServedInstance,
  action: EndpointAction,
  req: IncomingMessage,
  res: ServerResponse,
): void {
  if (instance !== null) return serveEndpoint(instance.endpoint, action, req, res)
  res.setHeader('retry-after', '1')
  answer(res, 503, {
    jsonrpc: '2.0',
    id: null,
    error: { code: -32000, message: 'The server is being started. Try again in a moment.' },
  })
}

/**
 * Makes it ready to be suspended: what it knows of sessions may be outdated when it goes on, and whoever watches it then
 * wants to hear that it runs, and what was not told yet. Refused while something is under way.
 */
function rest(
  { instance, journal }: ServedInstance,
  { sessions }: ServeOptions,
  from: number,
  res: ServerResponse,
): void {
  if (instance === null || instance.idleMs() === null) return answer(res, 409, { ok: false })
  instance.forgetSessions?.()
  sessions.forget()
  journal.forget(from)
  journal.add({ kind: 'started' })
  answer(res, 200, { ok: true })
}

async function check({ instance }: ServedInstance, res: ServerResponse): Promise<void> {
  try {
    if (instance === null) return answer(res, 503, { ok: false })
    await instance.check(AbortSignal.timeout(CHECK_MS))
    answer(res, 200, { kind: 'result', result: {} })
  } catch (error) {
    answer(res, 200, errorMessage(error))
  }
}

async function take(
  req: IncomingMessage,
  res: ServerResponse,
  taken: (message: unknown) => void,
): Promise<void> {
  try {
    // Written by an instance's other side, which has the secret.
    taken(JSON.parse(await text(req)))
    answer(res, 200, { ok: true })
  } catch {
    answer(res, 400, { ok: false })
  }
}

/** Sends the journal from a number on, as it grows, until the reader goes away. */
async function tell(
  served: ServedInstance,
  watching: { told: number },
  from: number,
  res: ServerResponse,
  alive: () => void,
): Promise<void> {
  const { journal } = served
  res.writeHead(200, { 'content-type': 'application/x-ndjson', 'x-accel-buffering': 'no' })
  res.flushHeaders()
  let next = from
  let pulseAt = 0
  const isGone = (): boolean => res.destroyed || res.writableEnded
  while (!isGone()) {
    const { text: entries, next: after } = journal.from(next)
    if (entries !== '') await write(res, entries)
    next = after
    if (!isGone()) watching.told = Math.max(watching.told, next)
    if (performance.now() >= pulseAt) {
      alive()
      pulseAt = performance.now() + PULSE_MS
      const pulse: Pulse = { kind: 'pulse', idleMs: served.instance?.idleMs() ?? null }
      await write(res, `${JSON.stringify(pulse)}\n`)
    }
    if (journal.next === next) await journal.changed(PULSE_MS)
  }
}

async function write(res: ServerResponse, chunk: string): Promise<void> {
  if (res.destroyed || res.write(chunk)) return
  const ready = new AbortController()
  const signal = ready.signal
  // Whichever comes first; the other is let go.
  await Promise.race([once(res, 'drain', { signal }), once(res, 'close', { signal })]).catch(() => undefined)
  ready.abort()
}

function answer(res: ServerResponse, status: number, value: object): void {
  const body = Buffer.from(JSON.stringify(value))
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
}

function urlOf(server: Server): string {
  // A server that listens on TCP has an address with a port.
  const { address, family, port } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}
