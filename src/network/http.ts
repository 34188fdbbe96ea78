import { Agent as HttpAgent, request as requestPlain, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as requestSecure } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import type { Readable } from 'node:stream'
import type { Secret } from '../domain/index.ts'
import { EgressRefusal, publicAddresses, systemNetwork, type Network } from './dial.ts'
import { anySignal } from '../domain/index.ts'

/** Why a request had no answer. `message` names the host and is public; it holds nothing of the query. */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure'
  readonly kind: 'refused' | 'unreachable' | 'timeout' | 'too_large' | 'malformed'

  constructor(kind: HttpFailure['kind'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.kind = kind
  }
}

export interface HttpClientOptions {
  /**
   * Origins that the operator configured: reached wherever their names lead, also over plain HTTP. Everything else must
   * be https on the public internet, at every step of a redirect.
   */
  readonly trustedOrigins: readonly string[]
  readonly userAgent: string
  /** A Unix socket that everything is asked of, whatever its address says; then nothing leaves this machine. */
  readonly socketPath?: string
  /** Connections to one host at a time; more wait. Default: 8. */
  readonly maxSockets?: number
  /** The real one by default. */
  readonly network?: Pick<Network, 'resolve' | 'ownAddresses'>
}

export interface HttpRequest {
  readonly method?: 'GET' | 'POST' | 'HEAD' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
  /** Value of the Authorization header; left out when a redirect leads to another origin. */
  readonly authorization?: Secret | null
  /** Until the answer begins, each redirect anew; the body has the signal's time. Default: 20 s. */
  readonly timeoutMs?: number
  /** Default: 5. Beyond it a redirect is a failure. */
  readonly maxRedirects?: number
  /** Whether a redirect is an answer like any other, for who decides about it. Default: it is followed. */
  readonly answerRedirects?: boolean
  readonly signal: AbortSignal
}

export interface HttpResponse {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** Where it came from after all redirects. */
  readonly url: URL
  /** Who asked must read or destroy it. */
  readonly body: Readable
}

export interface HttpClient extends Disposable {
  /** @throws HttpFailure when there is no answer; whatever status there is, is an answer */
  request(url: URL, request: HttpRequest): Promise<HttpResponse>
  /**
   * The addresses that a URL may be reached at, for a program that makes connections of its own.
   * @throws HttpFailure `refused`
   */
  addressesOf(url: URL, signal: AbortSignal): Promise<readonly string[]>
}

const TIMEOUT_MS = 20_000
const MAX_REDIRECTS = 5
const CONNECT_MS = 10_000

/** An HTTP client for addresses that somebody else chose. Names are looked up once, checked, and just those dialled. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const network = options.network ?? systemNetwork
  const trusted = new Set(options.trustedOrigins)
  const settings = { ...AGENT, maxSockets: options.maxSockets ?? AGENT.maxSockets }
  const agents = { plain: new HttpAgent(settings), secure: new HttpsAgent(settings) }

  const ask = async (url: URL, request: HttpRequest, authorization: Secret | null): Promise<HttpResponse> => {
    const limit = new AbortController()
    const timeout = limit.signal
    // Ended with the answer: a long limit must not keep what was answered long ago.
    const timer = setTimeout(() => limit.abort(), request.timeoutMs ?? TIMEOUT_MS)
    const signal = anySignal([request.signal, timeout])
    try {
      const { socketPath } = options
      const way =
        socketPath === undefined
          ? { lookup: answering(await allowedAddresses(url, trusted, network, signal)) }
          : { socketPath }
      const isPlain = url.protocol === 'http:'
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const sent = (isPlain ? requestPlain : requestSecure)(url, {
          method: request.method ?? 'GET',
          agent: isPlain ? agents.plain : agents.secure,
          headers: {
            'user-agent': options.userAgent,
            'accept-encoding': 'identity',
            ...request.headers,
            ...(authorization === null ? {} : { authorization: authorization.reveal() }),
          },
          ...way,
        })
        let begun: IncomingMessage | null = null
        // What is over already gives its connection back; there is nothing to destroy but what is still being read.
        const giveUp = () => (begun ?? sent).destroy(new Error('given up'))
        if (request.signal.aborted) giveUp()
        request.signal.addEventListener('abort', giveUp, { once: true })
        sent.once('close', () => request.signal.removeEventListener('abort', giveUp))
        timeout.addEventListener('abort', () => sent.destroy(new Error('no answer in time')), { once: true })
        // Never without a listener: what fails after the answer has begun is its reader's.
        sent.on('error', reject)
        sent.once('socket', (socket) => {
          if (!socket.connecting) return
          const late = setTimeout(() => sent.destroy(new Error('no connection in time')), CONNECT_MS)
          for (const event of ['connect', 'close']) socket.once(event, () => clearTimeout(late))
        })
        sent.once('response', (message) => {
          // From here on the body may take the time that the caller's signal leaves.
          sent.on('error', (error) => message.destroy(error))
          begun = message
          // Whoever reads it hears of it there; when nobody does any more, it is nobody's.
          message.on('error', () => undefined)
          resolve(message)
        })
        sent.end(request.body)
      })
      return { status: response.statusCode ?? 0, headers: response.headers, url, body: response }
    } catch (error) {
      request.signal.throwIfAborted()
      if (error instanceof HttpFailure) throw error
      if (timeout.aborted) throw new HttpFailure('timeout', `${url.host} does not answer in time.`, error)
      throw new HttpFailure('unreachable', `${url.host} cannot be reached.`, error)
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    request: async (first, request) => {
      let url = first
      let authorization = request.authorization ?? null
      const { maxRedirects = MAX_REDIRECTS } = request
      for (let step = 0; step <= maxRedirects; step++) {
        const response = await ask(url, request, authorization)
        const next = request.answerRedirects === true ? null : redirectTarget(response)
        if (next === null) return response
        response.body.destroy()
        if (request.body !== undefined) {
          throw new HttpFailure('malformed', `${url.host} redirects what may not be redirected.`)
        }
        if (next.origin !== url.origin) authorization = null
        url = next
      }
      throw new HttpFailure('malformed', `${first.host} redirects without end.`)
    },
    addressesOf: (url, signal) => allowedAddresses(url, trusted, network, signal),
    [Symbol.dispose]: () => {
      agents.plain.destroy()
      agents.secure.destroy()
    },
  }
}

const AGENT = { keepAlive: true, maxSockets: 8, timeout: 60_000 }

async function allowedAddresses(
  url: URL,
  trusted: ReadonlySet<string>,
  network: Pick<Network, 'resolve' | 'ownAddresses'>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (trusted.has(url.origin)) return isIP(host) === 0 ? network.resolve(host, signal) : [host]
  if (url.protocol !== 'https:')
    throw new HttpFailure('refused', `${url.host} may be reached over https only.`)
  try {
    return await publicAddresses(network, host, signal)
  } catch (error) {
    if (!(error instanceof EgressRefusal)) throw error
    // Which address a name leads to in here is nobody's business outside.
    throw new HttpFailure('refused', `${url.host} is not on the public internet.`, error)
  }
}

/** Answers a look-up with what was found and checked before. */
function answering(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }))
  return (host, { all }, done) => {
    const [first] = found
    if (first === undefined) done(new Error(`no address for ${host}`), '')
    else if (all === true) done(null, found)
    else done(null, first.address, first.family)
  }
}

function redirectTarget({ status, headers, url }: HttpResponse): URL | null {
  if (![301, 302, 303, 307, 308].includes(status) || headers.location === undefined) return null
  const target = URL.parse(headers.location, url.href)
  if (
    target === null ||
    !/^https?:$/.test(target.protocol) ||
    target.username !== '' ||
    target.password !== ''
  ) {
    throw new HttpFailure('malformed', `${url.host} redirects to no valid address.`)
  }
  return target
}
