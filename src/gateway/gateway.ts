import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  CatwalkError,
  createAddressReader,
  systemClock,
  traceIdOf,
  type AddressReader,
  type Caller,
  type CallRecord,
  type Clock,
  type Endpoint,
  type EndpointDirectory,
  type Logger,
} from '../domain/index.ts'
import { createHttpSse, hostName, type AccessClaims } from '../protocol/index.ts'
import type { HttpOutcome } from '../telemetry/index.ts'
import {
  admit,
  CLOSE,
  headerText,
  isHttpSse,
  RETRY_AFTER,
  tooMany,
  type Admission,
  type DoorKeeper,
} from './admit.ts'
import { remembering } from './authenticate.ts'
import { startCall, type Call } from './call.ts'
import { createLimiter, type Full, type GatewayLimits } from './limits.ts'
import { refuse } from './refuse.ts'
import type { GatewayRoute, RouteTable } from './route-table.ts'

/** One request to an endpoint, once its answer is complete. Streams that a client listens on are not calls. */
export interface GatewayCall {
  /** Null when the caller was not let in. */
  readonly deploymentId: string | null
  readonly tokenId: string | null
  readonly outcome: HttpOutcome
  readonly durationMs: number
}

export interface GatewayOptions {
  readonly routes: RouteTable
  readonly directory: EndpointDirectory
  /** What answers for a deployment while no instance does. Left out: every call waits for one. */
  readonly meanwhile?: (deploymentId: string) => Pick<Endpoint, 'handle'>
  /** What answers for collections. Left out: there are none. */
  readonly collections?: { of(route: GatewayRoute): Pick<Endpoint, 'handle'> }
  /** Values of `Host` that are ours; only the name counts, because a proxy in front may use another port. */
  readonly allowedHosts: readonly string[]
  /** Origins of web pages that may call any endpoint, besides our own and those on localhost. */
  readonly allowedOrigins?: readonly string[]
  /** Origin without a trailing slash. */
  readonly publicUrl: string
  /** What an access token says; undefined for any other text. */
  readonly openAccessToken: (token: string) => AccessClaims | undefined
  readonly maxMessageBytes: number
  readonly limits: GatewayLimits
  /** Who a request comes from; the peer unless told. */
  readonly addressOf?: AddressReader
  readonly logger: Logger
  /** Called once an HTTP request. Must not throw and must not wait. */
  readonly onCall?: (call: GatewayCall) => void
  /** Called once a JSON-RPC request, and for each call that was let in but turned away. Likewise. */
  readonly onRequest?: (call: CallRecord) => void
  readonly clock?: Clock
}

/** The door to all endpoints, `/mcp/{slug}`. */
export interface Gateway {
  /** Answers one HTTP request. Never throws. */
  handle(req: IncomingMessage, res: ServerResponse): void
  /**
   * Hands a request on to a deployment for somebody who was let in already, as one of the members of a collection.
   * Owns `res`. Never throws.
   */
  forward(deploymentId: string, req: IncomingMessage, res: ServerResponse, caller: Caller): void
  /** Lets nothing new in and resolves when all calls are answered, or after `graceMs`. */
  drain(graceMs: number): Promise<void>
}

/**
 * Authenticates, routes and wakes. A call to a running instance asks no database and copies nothing: its request and
 * response go to the instance's endpoint as they are.
 */
export function createGateway(options: GatewayOptions): Gateway {
  const { routes, directory, logger, maxMessageBytes, onCall } = options
  const limiter = createLimiter(options.limits, options.addressOf ?? createAddressReader([]))
  const httpSse = createHttpSse()
  const run = randomBytes(5).toString('hex')
  let requests = 0
  let active = 0
  let drained: (() => void) | null = null
  let draining = false
  const keeper: DoorKeeper = {
    routes,
    limiter,
    maxMessageBytes,
    publicUrl: options.publicUrl,
    openAccessToken: remembering(options.openAccessToken),
    clock: options.clock ?? systemClock,
    isDraining: () => draining,
    policy: {
      hosts: new Set(options.allowedHosts.map(hostName)),
      origins: new Set([
        ...options.allowedHosts.flatMap((host) => [`http://${host}`, `https://${host}`]),
        ...(options.allowedOrigins ?? []),
      ]),
      // A page on localhost still needs a token; without this no local developer tool could call.
      loopbackPages: true,
    },
  }

  function forward(route: GatewayRoute, caller: Caller, req: IncomingMessage, res: ServerResponse): void {
    if (route.collection !== undefined && options.collections !== undefined) {
      return options.collections.of(route).handle(req, res, caller)
    }
    if (route.state === 'deploying')
      return void whenOpened(route, res).then((now) => handOver(now, caller, req, res))
    handOver(route, caller, req, res)
  }

  function handOver(route: GatewayRoute, caller: Caller, req: IncomingMessage, res: ServerResponse): void {
    const { requestId } = caller
    if (res.destroyed) return
    if (route.state !== 'open') return refuse(res, 503, notOpen(route), requestId, RETRY_AFTER)
    // What is recorded of one person's process is not for another.
    const meanwhile = route.personal === true ? undefined : options.meanwhile
    const endpoint = directory.ready(route.deploymentId) ?? meanwhile?.(route.deploymentId)
    if (endpoint !== undefined) return endpoint.handle(req, res, caller)
    void wake(route, res, requestId).then((woken) => woken?.handle(req, res, caller))
  }

  /** Whoever was just told by the API that it runs may be here before the table has heard of it. */
  async function whenOpened(route: GatewayRoute, res: ServerResponse): Promise<GatewayRoute> {
    const { deploymentId } = route
    const now = (): GatewayRoute => routes.ofDeployment(deploymentId) ?? route
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, HEARD_WITHIN_MS)
    res.once('close', resolve)
    const unwatch = routes.onChange(() => {
      if (now().state !== 'deploying') resolve()
    })
    await promise
    unwatch()
    res.off('close', resolve)
    clearTimeout(timer)
    return now()
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
      // A stream that a client listens on does not end by itself, so nobody waits for it.
      const listens = isListening(req)
      if (!listens) active++
      let admission: Admission | null = null
      let entered = false
      let call: Call | null = null
      res.once('close', () => {
        if (!listens && --active === 0) drained?.()
        if (entered && admission !== null) limiter.leave(admission.route, admission.principal)
        if (req.method !== 'POST' && admission !== null) return
        const outcome = outcomeOf(res)
        const durationMs = performance.now() - startedAt
        if (call !== null && (outcome === 'limited' || outcome === 'unavailable')) {
          call.turnedAway(outcome, durationMs)
        }
        onCall?.({
          deploymentId: admission?.route.deploymentId ?? null,
          tokenId: admission?.principal.tokenId ?? null,
          outcome,
          durationMs,
        })
      })
      try {
        admission = admit(keeper, req, res, requestId)
        if (admission === null) return
        const { route, principal } = admission
        call = startCall(admission, requestId, traceIdOf(headerText(req.headers['traceparent'])), options)
        const waitMs = limiter.principal(principal)
        if (waitMs > 0) return tooMany(req, res, requestId, 'Too many requests of this caller.', waitMs)
        const quotaMs = limiter.workspace(route)
        if (quotaMs > 0)
          return tooMany(req, res, requestId, 'The workspace has used its calls a minute.', quotaMs)
        const full = limiter.enter(route, principal)
        entered = full === null
        if (full === null) {
          const { caller } = call
          const pass = (message: IncomingMessage, answer: ServerResponse): void =>
            forward(route, caller, message, answer)
          if (isHttpSse(req)) httpSse.handle(req, res, `${route.deploymentId} ${caller.subject}`, pass)
          else pass(req, res)
        } else tooMany(req, res, requestId, FULL[full], 1000)
      } catch (error) {
        logger.error({ err: error, requestId }, 'a call failed inside the gateway')
        refuse(res, 500, new CatwalkError('internal', 'Something went wrong in Catwalk.'), requestId, CLOSE)
      }
    },
    forward(deploymentId, req, res, caller) {
      const route = routes.ofDeployment(deploymentId)
      const isDeployment = route !== undefined && route.collection === undefined
      if (isDeployment) return forward(route, caller, req, res)
      refuse(res, 503, new CatwalkError('deployment_not_found', 'The deployment is gone.'), caller.requestId)
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

const HEARD_WITHIN_MS = 1000

const FULL = {
  caller: 'Too many requests of this caller are under way.',
  deployment: 'Too many requests to this endpoint are under way.',
  workspace: 'The workspace has as many calls under way as it may.',
} as const satisfies Record<Full, string>

function isListening({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' || headers['mcp-method'] === 'subscriptions/listen'
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

function outcomeOf(res: ServerResponse): HttpOutcome {
  const { statusCode } = res
  if (!res.writableFinished) return 'cancelled'
  if (statusCode < 400) return 'ok'
  if (statusCode === 401 || statusCode === 403) return 'refused'
  if (statusCode === 429) return 'limited'
  return statusCode === 503 ? 'unavailable' : 'error'
}
