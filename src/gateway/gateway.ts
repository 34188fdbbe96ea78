import { hash, randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  CatwalkError,
  systemClock,
  type Clock,
  type Endpoint,
  type EndpointDirectory,
  type Logger,
} from '../domain/index.ts'
import {
  allowPage,
  allowsOrigin,
  answerPreflight,
  hostName,
  originProblem,
  type OriginPolicy,
} from '../protocol/index.ts'
import type { CallOutcome } from '../telemetry/index.ts'
import { refuse } from './refuse.ts'
import type { GatewayRoute, RouteTable, RouteToken } from './route-table.ts'

/** One request to an endpoint, once its answer is complete. Streams that a client listens on are not calls. */
export interface GatewayCall {
  /** Null when the caller was not let in. */
  readonly deploymentId: string | null
  readonly tokenId: string | null
  readonly outcome: CallOutcome
  readonly durationMs: number
}

export interface GatewayOptions {
  readonly routes: RouteTable
  readonly directory: EndpointDirectory
  /** Values of `Host` that are ours; only the name counts, because a proxy in front may use another port. */
  readonly allowedHosts: readonly string[]
  /** Origins of web pages that may call any endpoint, besides our own and those on localhost. */
  readonly allowedOrigins?: readonly string[]
  readonly maxMessageBytes: number
  readonly logger: Logger
  /** Called once a call. Must not throw and must not wait. */
  readonly onCall?: (call: GatewayCall) => void
  readonly clock?: Clock
}

/** The door to all endpoints, `/mcp/{slug}`. */
export interface Gateway {
  /** Answers one HTTP request. Never throws. */
  handle(req: IncomingMessage, res: ServerResponse): void
  /** Lets nothing new in and resolves when all calls are answered, or after `graceMs`. */
  drain(graceMs: number): Promise<void>
}

const PREFIX = '/mcp/'
const RETRY_AFTER = { 'retry-after': '5' } as const
const CLOSE = { connection: 'close' } as const

/**
 * Authenticates, routes and wakes. A call to a running instance asks no database and copies nothing: its request and
 * response go to the instance's endpoint as they are.
 */
export function createGateway(options: GatewayOptions): Gateway {
  const { routes, directory, logger, maxMessageBytes, onCall } = options
  const clock = options.clock ?? systemClock
  const policy: OriginPolicy = {
    hosts: new Set(options.allowedHosts.map(hostName)),
    origins: new Set([
      ...options.allowedHosts.flatMap((host) => [`http://${host}`, `https://${host}`]),
      ...(options.allowedOrigins ?? []),
    ]),
    // A page on localhost still needs a token; without this no local developer tool could call.
    loopbackPages: true,
  }
  const run = randomBytes(5).toString('hex')
  let requests = 0
  let active = 0
  let drained: (() => void) | null = null
  let draining = false

  /** The route and token that a request is let in by, or undefined. */
  function authenticate(slug: string, header: string | undefined): Admission | undefined {
    const secret = bearerOf(header)
    const route = routes.find(slug)
    if (secret === undefined || route === undefined) return undefined
    // A look-up by hash: how long it takes says nothing about the token.
    const token = route.tokens.get(hash('sha256', secret, 'hex'))
    if (token === undefined) return undefined
    const expired = token.expiresAt !== null && token.expiresAt.getTime() <= clock.now().getTime()
    return expired ? undefined : { route, token }
  }

  function admit(req: IncomingMessage, res: ServerResponse, requestId: string): Admission | null {
    const slug = slugOf(req.url ?? '')
    const { host, origin, authorization } = req.headers
    const problem = originProblem(policy, host, undefined)
    if (problem !== null) {
      refuse(res, 403, new CatwalkError('forbidden', 'Host is not one of ours.', HOST_HELP), requestId, CLOSE)
      return null
    }
    if (origin !== undefined) {
      if (!allowsOrigin(policy, origin) && routes.find(slug)?.allowedOrigins?.includes(origin) !== true) {
        refuse(
          res,
          403,
          new CatwalkError('forbidden', 'Pages of this origin may not call.', ORIGIN_HELP),
          requestId,
        )
        return null
      }
      allowPage(res, origin)
      if (req.method === 'OPTIONS') {
        answerPreflight(req, res)
        return null
      }
    }
    if (draining || routes.isStale()) {
      const error = new CatwalkError(
        'unavailable',
        draining ? 'Catwalk is stopping.' : 'Catwalk lost its database.',
      )
      refuse(res, 503, error, requestId, { ...RETRY_AFTER, ...CLOSE })
      return null
    }
    const admission = authenticate(slug, authorization)
    if (admission === undefined) {
      // The same answer for an endpoint that does not exist: nobody finds out which do.
      const error = new CatwalkError('unauthenticated', 'The endpoint needs a valid token.', TOKEN_HELP)
      const scheme = authorization === undefined ? 'Bearer' : 'Bearer error="invalid_token"'
      refuse(res, 401, error, requestId, { 'www-authenticate': scheme })
      return null
    }
    if (Number(req.headers['content-length'] ?? 0) > maxMessageBytes) {
      const error = new CatwalkError('payload_too_large', `A message has at most ${maxMessageBytes} bytes.`)
      refuse(res, 413, error, requestId, CLOSE)
      return null
    }
    return admission
  }

  function forward(admission: Admission, req: IncomingMessage, res: ServerResponse, requestId: string): void {
    const { route, token } = admission
    const caller = { subject: token.id, requestId, scope: token.scope ?? 'full' } as const
    if (route.state !== 'open') return refuse(res, 503, notOpen(route), requestId, RETRY_AFTER)
    const endpoint = directory.ready(route.deploymentId)
    if (endpoint !== undefined) return endpoint.handle(req, res, caller)
    void wake(route, res, requestId).then((woken) => woken?.handle(req, res, caller))
  }

  /** The body of the call is not read while its server starts. */
  async function wake(route: GatewayRoute, res: ServerResponse, requestId: string): Promise<Endpoint | null> {
    const gone = new AbortController()
    const abort = () => gone.abort()
    res.once('close', abort)
    try {
      return await directory.wake(route.deploymentId, gone.signal)
    } catch (error) {
      if (gone.signal.aborted) return null
      const known =
        error instanceof CatwalkError ? error : new CatwalkError('internal', 'The server did not start.')
      if (known !== error)
        logger.error({ err: error, requestId, deploymentId: route.deploymentId }, 'wake failed')
      refuse(res, 503, known, requestId, RETRY_AFTER)
      return null
    } finally {
      res.off('close', abort)
    }
  }

  return {
    handle(req, res) {
      const requestId = `req_${run}${(++requests).toString(36)}`
      const startedAt = performance.now()
      active++
      let admission: Admission | null = null
      res.once('close', () => {
        active--
        if (active === 0) drained?.()
        if (onCall === undefined || (req.method !== 'POST' && admission !== null)) return
        onCall({
          deploymentId: admission?.route.deploymentId ?? null,
          tokenId: admission?.token.id ?? null,
          outcome: outcomeOf(res),
          durationMs: performance.now() - startedAt,
        })
      })
      try {
        admission = admit(req, res, requestId)
        if (admission !== null) forward(admission, req, res, requestId)
      } catch (error) {
        logger.error({ err: error, requestId }, 'a call failed inside the gateway')
        refuse(res, 500, new CatwalkError('internal', 'Something went wrong in Catwalk.'), requestId, CLOSE)
      }
    },
    async drain(graceMs) {
      draining = true
      if (active === 0) return
      const { promise, resolve } = Promise.withResolvers<void>()
      drained = resolve
      const timer = setTimeout(resolve, graceMs)
      await promise
      clearTimeout(timer)
    },
  }
}

interface Admission {
  readonly route: GatewayRoute
  readonly token: RouteToken
}

const HOST_HELP = {
  help: 'Use the address that the dashboard shows, or set CATWALK_PUBLIC_URL to the one you use.',
}
const ORIGIN_HELP = {
  help: 'Call from a server or a desktop program, or allow the origin for this endpoint.',
}
const TOKEN_HELP = {
  help: 'Send an endpoint token of the deployment: Authorization: Bearer TOKEN. Make a new one if it was lost or revoked.',
}

function notOpen(route: GatewayRoute): CatwalkError {
  switch (route.state) {
    case 'stopped':
      return new CatwalkError('deployment_not_running', 'The deployment was stopped by its owner.')
    case 'failed':
      return new CatwalkError('deployment_not_running', 'The deployment has failed.', {
        help: 'Its owner finds the reason and the fix on the dashboard.',
      })
    case 'open':
    case 'deploying':
      return new CatwalkError('unavailable', 'The deployment is still being set up.')
  }
}

/** The slug in `/mcp/{slug}`; anything behind it belongs to no endpoint. */
function slugOf(url: string): string {
  const query = url.indexOf('?')
  return url.slice(PREFIX.length, query === -1 ? undefined : query)
}

function bearerOf(header: string | undefined): string | undefined {
  if (header === undefined || header.slice(0, 7).toLowerCase() !== 'bearer ') return undefined
  const secret = header.slice(7).trim()
  return secret === '' ? undefined : secret
}

function outcomeOf(res: ServerResponse): CallOutcome {
  const { statusCode } = res
  if (!res.writableFinished) return 'cancelled'
  if (statusCode < 400) return 'ok'
  if (statusCode === 401 || statusCode === 403) return 'refused'
  if (statusCode === 429) return 'limited'
  return statusCode === 503 ? 'unavailable' : 'error'
}
