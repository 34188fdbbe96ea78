import type { Agent, ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import {
  CatwalkError,
  docsPath,
  traceparentOf,
  type Caller,
  type Endpoint,
  type ErrorCode,
  type HeldStream,
  type JsonObject,
  type Manifest,
  type Secret,
} from '../domain/index.ts'
import { RPC, rpcErrorText } from '../protocol/index.ts'
import {
  answerHeaders,
  endpointHeaders,
  PERSON,
  readReports,
  REPORT,
  REQUEST_ID,
  CHALLENGE,
  SCOPE,
  SUBJECT,
} from './headers.ts'
import { resultOf, type Message } from './messages.ts'

// As a module, node:http evaluates all that it exports: 13 MiB of an HTTP client, also where a bridge runs alone.
const http = process.getBuiltinModule('node:http')

/** Makes endpoints of instances that run elsewhere. They share connections, which are kept alive. */
export interface EndpointClient extends Disposable {
  /**
   * @param base address of the other side up to the endpoint's own part, http or https, without a trailing slash
   * @param secret what proves to the other side that it is us
   * @param headers for whatever stands before the other side, such as a proxy that is to find it
   */
  connect(base: URL, secret: Secret, headers?: Readonly<Record<string, string>>): FarEndpoint
}

/** An endpoint of an instance that runs elsewhere. */
export interface FarEndpoint extends Endpoint {
  /** See `Instance.release`. */
  release(): readonly HeldStream[]
  /**
   * One more request to the other side, with whatever answer there is. Who asked reads it to its end or destroys it.
   * @param path after the base, with its leading slash
   * @throws Error when there is no answer, or the signal's reason
   */
  send(
    method: 'GET' | 'POST',
    path: string,
    body: object | null,
    signal: AbortSignal,
  ): Promise<IncomingMessage>
}

export interface EndpointClientOptions {
  /** What a caller is told when the other side cannot be reached. */
  readonly unreachable?: { readonly code: ErrorCode; readonly message: string }
  /** Connections to one address that are kept open without use. */
  readonly maxFreeSockets?: number
}

// Shorter than the other side keeps one, so that it never closes a connection under a request.
const FREE_SOCKET_MS = 55_000
const UNREACHABLE = {
  code: 'unavailable',
  message: 'What the server runs on cannot be reached right now.',
} as const

/** Streams both ways, without a limit of time: what is alive is never cut, and who goes away is told to the other side. */
export function createEndpointClient(options: EndpointClientOptions = {}): EndpointClient {
  const { unreachable = UNREACHABLE, maxFreeSockets = 256 } = options
  // The time-out closes unused connections only.
  const pooled = { keepAlive: true, maxFreeSockets, timeout: FREE_SOCKET_MS }
  const agent = new http.Agent(pooled)
  let secureAgent: Agent | null = null

  /** Most installations have no far side that speaks TLS, and it takes memory to load. */
  function securely(): { readonly request: typeof http.request; readonly agent: Agent } {
    const https = process.getBuiltinModule('node:https')
    return { request: https.request, agent: (secureAgent ??= new https.Agent(pooled)) }
  }

  function connect(base: URL, secret: Secret, further: Readonly<Record<string, string>> = {}): FarEndpoint {
    const isSecure = base.protocol === 'https:'
    const { request, ...way } = isSecure ? securely() : { request: http.request, agent }
    const host = base.hostname.replace(/^\[|\]$/g, '')
    const address = {
      ...way,
      host,
      ...(isSecure ? { servername: host } : {}),
      port: base.port === '' ? (isSecure ? 443 : 80) : Number(base.port),
    }
    const held = new Set<Held>()
    const path = base.pathname === '/' ? '' : base.pathname
    const headersOf = (caller: Caller): Record<string, string> => ({
      // The one place where the other side's secret is shown to it.
      authorization: `Bearer ${secret.reveal()}`,
      host: base.host,
      ...further,
      [SUBJECT]: encodeURIComponent(caller.subject),
      [REQUEST_ID]: caller.requestId,
      ...(caller.person === undefined ? {} : { [PERSON]: encodeURIComponent(caller.person) }),
      ...(caller.scope === undefined ? {} : { [SCOPE]: caller.scope }),
      ...(caller.challenge === undefined ? {} : { [CHALLENGE]: caller.challenge }),
      ...(caller.traceId === undefined ? {} : { traceparent: traceparentOf(caller.traceId) }),
    })

    function handle(req: IncomingMessage, res: ServerResponse, caller: Caller, body?: Buffer): void {
      const headers = { ...endpointHeaders(req), ...headersOf(caller) }
      if (caller.report !== undefined) headers[REPORT] = '1'
      const forwarded = request({ ...address, path: `${path}/mcp`, method: req.method ?? 'GET', headers })
      const one: Held = { stream: { req, res, caller, body: body ?? null }, forwarded, released: false }
      if (isHeld(req, body)) held.add(one)
      const gone = (): void => {
        held.delete(one)
        if (!one.released) forwarded.destroy()
      }
      // Whether it was answered or went away: the other side has nothing more to do for it.
      res.once('close', gone)
      res.on('error', () => undefined)
      forwarded.once('response', (answer) => passOn(answer, one))
      forwarded.on('error', () => {
        if (one.released) return
        refuse(res, 503, caller.requestId, new CatwalkError(unreachable.code, unreachable.message))
      })
      if (body === undefined) req.pipe(forwarded)
      else forwarded.end(body)
    }

    async function ask(
      action: 'request' | 'probe',
      body: JsonObject,
      caller: Caller,
      signal: AbortSignal,
    ): Promise<JsonObject> {
      const payload = Buffer.from(JSON.stringify(body))
      const headers = {
        ...headersOf(caller),
        'content-type': 'application/json',
        'content-length': payload.length,
      }
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
      const asked = request(
        { ...address, path: `${path}/${action}`, method: 'POST', headers, signal },
        resolve,
      )
      asked.on('error', reject)
      asked.end(payload)
      let answer: Message
      try {
        const response = await promise
        const content = await text(response)
        if (response.statusCode !== 200) throw new Error(`answered with ${response.statusCode ?? 0}`)
        // Written by serveEndpoint, by whoever has the secret.
        answer = JSON.parse(content) as Message
      } catch (cause) {
        if (signal.aborted) {
          throw new CatwalkError('server_silent', 'The server did not answer in time.', { cause })
        }
        throw new CatwalkError(unreachable.code, unreachable.message, { cause })
      }
      return resultOf(answer)
    }

    return {
      handle,
      release() {
        const all = [...held]
        held.clear()
        for (const one of all) {
          one.released = true
          one.forwarded.destroy()
        }
        return all.map(({ stream }) => stream)
      },
      async send(method, to, body, signal) {
        const payload = body === null ? null : Buffer.from(JSON.stringify(body))
        const headers = {
          ...headersOf({ subject: '', requestId: '' }),
          'content-length': payload?.length ?? 0,
          ...(payload === null ? {} : { 'content-type': 'application/json' }),
        }
        const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
        const sent = request({ ...address, path: path + to, method, headers, signal }, resolve)
        sent.on('error', reject)
        sent.end(payload ?? undefined)
        return promise
      },
      request: async (method, params, caller, signal) => ask('request', { method, params }, caller, signal),
      async probe(signal) {
        const manifest = await ask('probe', {}, { subject: '', requestId: '' }, signal)
        // What the other side's probe returned.
        return manifest as unknown as Manifest
      },
    }
  }
  return {
    connect,
    [Symbol.dispose]: () => {
      agent.destroy()
      secureAgent?.destroy()
    },
  }
}

/** A request on its way to the other side. */
interface Held {
  readonly stream: HeldStream
  readonly forwarded: ClientRequest
  /** Its client is somebody else's now. */
  released: boolean
}

/** Whether its stream outlives the instance: that of a session, or a subscription of the modern era (SEP-2575). */
function isHeld(req: IncomingMessage, body: Buffer | undefined): boolean {
  if (req.method === 'GET') return true
  return body !== undefined && req.headers['mcp-method'] === 'subscriptions/listen'
}

/** Sends an answer on as it comes. */
function passOn(answer: IncomingMessage, one: Held): void {
  const { res, caller } = one.stream
  if (one.released) return void answer.destroy()
  const cut = (): void => {
    if (!one.released) res.destroy()
  }
  const status = answer.statusCode ?? 502
  if (!isExpected(answer)) {
    answer.destroy()
    const error = new CatwalkError('unavailable', 'The answer is neither JSON nor an event stream.')
    return refuse(res, 502, caller.requestId, error)
  }
  readReports(answer.headers[REPORT], caller)
  if (res.headersSent) return passOnStream(answer, one.stream, cut)
  res.writeHead(status, answerHeaders(answer))
  res.flushHeaders()
  answer.on('end', () => readReports(answer.trailers[REPORT], caller))
  // Cut in the middle: the client must not take the half for the whole.
  answer.on('error', cut)
  answer.pipe(res)
}

/** Its client was kept waiting with a stream, so whatever comes is events of it. */
function passOnStream(answer: IncomingMessage, { res, caller }: HeldStream, cut: () => void): void {
  answer.on('error', cut)
  answer.on('end', () => readReports(answer.trailers[REPORT], caller))
  if (answer.headers['content-type']?.startsWith('text/event-stream') === true) return void answer.pipe(res)
  text(answer).then(
    (message) => res.end(message === '' ? '' : `data: ${message}\n\n`),
    () => res.destroy(),
  )
}

/** Nothing else leaves under our name, whatever runs on the other side. */
function isExpected(answer: IncomingMessage): boolean {
  const type = answer.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  if (type === undefined) return answer.headers['content-length'] === '0' || answer.statusCode === 204
  return type === 'application/json' || type === 'text/event-stream'
}

function refuse(res: ServerResponse, status: number, requestId: string, error: CatwalkError): void {
  const { code, message, help } = error
  const body = rpcErrorText(null, RPC.serverError, message, {
    error: code,
    help,
    docs: docsPath(code),
    requestId,
  })
  // Cut in the middle: the client must not take the half for the whole.
  if (res.headersSent) return void res.destroy()
  res.writeHead(status, [
    'content-type',
    'application/json',
    'content-length',
    String(Buffer.byteLength(body)),
    'x-content-type-options',
    'nosniff',
    'x-request-id',
    requestId,
    'retry-after',
    '5',
  ])
  res.end(body)
}
