import { Hono } from 'hono'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { routePath } from 'hono/route'
import { createRateLimiter, ownHosts, ownOrigins, type Auth, type OwnAddresses } from '../auth/index.ts'
import { routes, type Route, type RouteName } from '../contract/index.ts'
import {
  CatwalkError,
  createAddressReader,
  newId,
  type Actor,
  type AddressReader,
  type Clock,
  type Logger,
} from '../domain/index.ts'
import type { OAuthOptions } from '../oauth/index.ts'
import { answerRoute, requireScope } from './answer-route.ts'
import { createDashboard } from './dashboard.ts'
import { docsIndex, docsPage } from './docs-pages.ts'
import { remoteAddress, type Environment } from './environment.ts'
import { errorAnswer } from './error-answer.ts'
import type { Handlers } from './handlers.ts'
import { openApiDocument } from './openapi.ts'
import { addOAuthRoutes } from './oauth-routes.ts'
import { createRequestLimits, type RequestLimitOptions } from './request-limits.ts'
import { page } from './page.ts'
import { readText } from './read-body.ts'
import { requireOwnHost, requireOwnOrigin } from './request-guards.ts'
import { commonHeaders, DATA_POLICY } from './security-headers.ts'

export interface Readiness {
  readonly ready: boolean
  /** Name of each check and whether it passed; shown to anybody. */
  readonly checks: Readonly<Record<string, boolean>>
}

export interface ApiOptions extends OwnAddresses {
  readonly auth: Pick<Auth, 'handler' | 'authenticate'>
  readonly handlers: Handlers
  readonly oauth: OAuthOptions
  readonly logger: Logger
  readonly clock: Clock
  readonly version: string
  readonly readiness: () => Promise<Readiness>
  /** Prometheus text. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>
  /** Folder of the built dashboard. */
  readonly dashboardDir: string
  /** Folder of the guides, as Markdown. */
  readonly docsDir: string
  /** Aborted when the program stops: open streams end, so that the server can close. */
  readonly signal: AbortSignal
  /** Told of every answer; `route` is the pattern that matched. */
  readonly onRequest?: (event: { method: string; route: string; status: number; durationMs: number }) => void
  /** Who a request comes from; the peer unless told, whatever the request says. */
  readonly addressOf?: AddressReader
  /** Told when somebody who is signed in asks for what is beyond their role. Must not throw. */
  readonly onForbidden?: (actor: Actor, route: RouteName) => void
  /** Calls `listener` whenever somebody may have lost access, until the returned function is called. */
  readonly onAccessChange?: (listener: () => void) => () => void
  readonly requestLimits?: RequestLimitOptions
  /** Pause after which a silent stream gets a comment. Default: 15 s. */
  readonly keepAliveMs?: number
}

const MAX_SIGN_IN_BYTES = 16 * 1024

/** REST API, OpenAPI document, accounts, health, metrics, guides and dashboard. `/mcp` belongs to the gateway. */
export function createApi(options: ApiOptions): Hono<Environment> {
  const { auth, logger, clock, publicUrl, addressOf = createAddressReader([]) } = options
  const app = new Hono<Environment>()
  const common = Object.entries(commonHeaders(publicUrl))
  const hosts = new Set(ownHosts(options))
  const origins = new Set(ownOrigins(options))
  const limiter = createRateLimiter(clock)
  const limits = createRequestLimits(limiter, options.requestLimits)
  const dashboard = createDashboard(options.dashboardDir)
  const openApi = openApiDocument(options)

  app.use(async (c, next) => {
    const startedAt = performance.now()
    c.set('requestId', requestIdOf(c.req.raw.headers))
    c.set('address', addressOf(c.env.incoming?.socket.remoteAddress, c.req.header('x-forwarded-for')))
    await next()
    const { method } = c.req
    const durationMs = performance.now() - startedAt
    options.onRequest?.({ method, route: routePath(c, -1), status: c.res.status, durationMs })
    c.header('x-request-id', c.var.requestId)
    for (const [name, value] of common) c.header(name, value)
    if (c.req.path.startsWith('/api/')) c.header('cache-control', 'no-store')
    if (!c.res.headers.has('content-security-policy')) c.header('content-security-policy', DATA_POLICY)
  })
  app.onError((error, c) => errorAnswer(error, c.var.requestId, logger))

  app.get('/healthz', (c) => c.json({ ok: true }))
  app.get('/readyz', async (c) => {
    const readiness = await options.readiness()
    return c.json(readiness, readiness.ready ? 200 : 503)
  })
  // After the probes, which an orchestrator sends to an address that is nobody's name.
  app.use(async (c, next) => {
    requireOwnHost(c.req.raw.headers, hosts)
    await next()
  })
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => {
        const allow = methods.join(', ')
        const error = new CatwalkError('method_not_allowed', `This address answers ${allow} only.`, {
          details: { allow },
        })
        return errorAnswer(error, c.var.requestId, logger)
      },
    }),
  )

  for (const [name, route] of Object.entries<Route>(routes)) {
    const path = `/api/v1${route.path.replace(/\{(\w+)\}/g, ':$1')}`
    app.on(route.method.toUpperCase(), path, (c) =>
      // A key of the contract's table.
      answerRoute(name as RouteName, c, {
        ...options,
        limits,
        origins,
        keepAliveMs: options.keepAliveMs ?? 15_000,
      }),
    )
  }

  addOAuthRoutes(app, { oauth: options.oauth, auth, limiter })
  app.get('/api/openapi.json', (c) => c.json(openApi))
  app.all('/api/auth/*', async (c) => {
    const address = remoteAddress(c)
    limits.count(address)
    requireOwnOrigin(c.req.raw, origins, false)
    const { method, url, headers } = c.req.raw
    const body = method === 'GET' || method === 'HEAD' ? null : await readText(c.req.raw, MAX_SIGN_IN_BYTES)
    return auth.handler(new Request(url, { method, headers, body }), address)
  })
  app.get('/metrics', async (c) => {
    // Not even for loopback without a key: behind a reverse proxy every caller comes from there.
    const signedIn = await auth.authenticate(c.req.raw.headers, remoteAddress(c))
    if (signedIn === null) {
      limits.count(remoteAddress(c))
      throw new CatwalkError('unauthenticated', 'Metrics are shown to API keys and signed-in people only.')
    }
    requireScope(signedIn.actor, 'installation:read')
    const { contentType, text } = await options.metrics()
    return c.body(text, 200, { 'content-type': contentType, 'cache-control': 'no-store' })
  })

  app.get('/docs', () => docsIndex(options.docsDir))
  app.get('/docs/:name', async (c) => {
    const found = await docsPage(options.docsDir, c.req.param('name'))
    return (
      found ?? page('Not found', '<h1>There is no such page</h1><p><a href="/docs">All guides</a></p>', 404)
    )
  })
  // Not a route for everything: addresses of the API would then seem to answer GET.
  app.notFound(async (c) => {
    const { path, method } = c.req
    const nothing = new CatwalkError('not_found', 'There is nothing at this address.')
    if (isProgramPath(path) || (method !== 'GET' && method !== 'HEAD'))
      return errorAnswer(nothing, c.var.requestId, logger)
    const file = await dashboard.file(path, c.req.raw.headers)
    if (file !== null) return file
    // A missing file must not answer with a page: a browser would run it as a script.
    if (path.startsWith('/assets/')) return errorAnswer(nothing, c.var.requestId, logger)
    return dashboard.shell(c.req.raw.headers)
  })
  return app
}

function isProgramPath(path: string): boolean {
  return /^\/(?:api|mcp|oauth|\.well-known)(?:\/|$)/.test(path)
}

/** A sane id of the caller is kept, so that its log and ours can be read together. */
function requestIdOf(headers: Headers): string {
  const given = headers.get('x-request-id')
  return given !== null && /^[\w.-]{8,64}$/.test(given) ? given : newId('request')
}
