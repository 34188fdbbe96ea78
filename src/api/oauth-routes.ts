import type { Hono } from 'hono'
import type { Context } from 'hono'
import type { Auth, RateLimiter } from '../auth/index.ts'
import { CatwalkError, rateKey } from '../domain/index.ts'
import {
  authorize,
  findIssuer,
  issueTokens,
  OAuthError,
  registerClient,
  resourceMetadata,
  revokeToken,
  serverMetadata,
  type Issuer,
  type OAuthOptions,
} from '../oauth/index.ts'
import { remoteAddress, type Environment } from './environment.ts'
import { escapeHtml, page } from './page.ts'
import { readJson, readText } from './read-body.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const MAX_BYTES = 16 * 1024
/** Of one address. Those of claude.ai or an office stand for many people. */
const LIMITS = {
  discovery: { max: 240, windowMs: MINUTE_MS },
  authorize: { max: 60, windowMs: MINUTE_MS },
  token: { max: 120, windowMs: MINUTE_MS },
  register: { max: 30, windowMs: HOUR_MS },
} as const

export interface OAuthRouteServices {
  readonly oauth: OAuthOptions
  readonly auth: Pick<Auth, 'authenticate'>
  readonly limiter: RateLimiter
}

/**
 * What MCP clients ask when a person signs in: discovery, authorization, tokens, registration, revocation. Documents and
 * tokens may be asked by web pages of any origin, because no cookie is looked at for them.
 */
export function addOAuthRoutes(app: Hono<Environment>, services: OAuthRouteServices): void {
  const { oauth, auth, limiter } = services

  function count(c: Context<Environment>, what: keyof typeof LIMITS): void {
    const waitMs = limiter.take(`oauth ${what} ${rateKey(remoteAddress(c))}`, LIMITS[what])
    if (waitMs === 0) return
    const retryAfterS = Math.ceil(waitMs / 1000)
    throw new CatwalkError(
      'rate_limited',
      `Too many requests from this address. Try again in ${retryAfterS} s.`,
      {
        details: { retryAfterS },
      },
    )
  }

  /** @throws CatwalkError `not_found` where nobody can sign in */
  function issuerOf(c: Context<Environment>): Issuer {
    const issuer = findIssuer(oauth, c.req.param('slug') ?? null)
    if (issuer !== null) return issuer
    throw new CatwalkError('not_found', 'Nobody can sign in here.')
  }

  const document = (make: typeof serverMetadata | typeof resourceMetadata) => (c: Context<Environment>) => {
    allowAnyPage(c)
    count(c, 'discovery')
    return c.json(make(oauth, issuerOf(c)), 200, { 'cache-control': 'no-store' })
  }
  for (const name of ['oauth-authorization-server', 'openid-configuration', 'oauth-protected-resource']) {
    const answer = document(name === 'oauth-protected-resource' ? resourceMetadata : serverMetadata)
    for (const path of [
      `/.well-known/${name}`,
      `/.well-known/${name}/mcp/:slug`,
      `/.well-known/${name}/mcp/:slug/sse`,
      `/mcp/:slug/.well-known/${name}`,
    ]) {
      app.get(path, answer)
      app.options(path, preflight)
    }
  }
  app.get('/oauth/keys', (c) => {
    allowAnyPage(c)
    return c.json({ keys: [] })
  })

  for (const base of ['/oauth', '/oauth/:slug']) {
    app.get(`${base}/authorize`, async (c) => {
      count(c, 'authorize')
      const issuer = issuerOf(c)
      const signedIn = await auth.authenticate(cookieOnly(c), remoteAddress(c))
      const query = new URL(c.req.url).searchParams
      const answer = await authorize(oauth, issuer, query, signedIn?.actor ?? null)
      switch (answer.kind) {
        case 'refused':
          return refusal(answer.message)
        case 'redirect':
          return leave(answer.to)
        case 'ask':
          return leave(`/consent?request=${encodeURIComponent(answer.request)}`)
      }
    })
    app.post(`${base}/token`, async (c) =>
      inOAuthWords(c, oauth, async () => {
        count(c, 'token')
        return c.json(
          await issueTokens(oauth, issuerOf(c), await readForm(c), authorizationOf(c)),
          200,
          NEVER_KEPT,
        )
      }),
    )
    app.post(`${base}/revoke`, async (c) =>
      inOAuthWords(c, oauth, async () => {
        count(c, 'token')
        await revokeToken(oauth, issuerOf(c), await readForm(c), authorizationOf(c))
        return c.body(null, 200, NEVER_KEPT)
      }),
    )
    app.post(`${base}/register`, async (c) =>
      inOAuthWords(c, oauth, async () => {
        count(c, 'register')
        const issuer = issuerOf(c)
        const metadata = await readJson(c.req.raw, MAX_BYTES)
        return c.json(await registerClient(oauth, issuer, metadata), 201, NEVER_KEPT)
      }),
    )
    for (const path of ['token', 'revoke', 'register']) app.options(`${base}/${path}`, preflight)
  }
}

const NEVER_KEPT = { 'cache-control': 'no-store', pragma: 'no-cache' } as const

function allowAnyPage(c: Context<Environment>): void {
  c.header('access-control-allow-origin', '*')
}

function preflight(c: Context<Environment>): Response {
  return c.body(null, 204, {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'GET, POST, OPTIONS',
    'access-control-allow-headers': 'authorization, content-type, mcp-protocol-version',
    'access-control-max-age': '600',
  })
}

function authorizationOf(c: Context<Environment>): string | null {
  return c.req.header('authorization') ?? null
}

/** A browser on its way brings its session, and nothing else counts here. */
function cookieOnly(c: Context<Environment>): Headers {
  const cookie = c.req.header('cookie')
  return new Headers(cookie === undefined ? {} : { cookie })
}

function leave(to: string): Response {
  return new Response(null, { status: 302, headers: { location: to, 'cache-control': 'no-store' } })
}

function refusal(message: string): Response {
  return page(
    'Signing in does not go on',
    `<h1>Signing in does not go on</h1>
<p>${escapeHtml(message)}</p>
<p>You were sent nowhere and nothing was allowed. Start again in the program that sent you here; if it happens again,
<a href="/docs/oauth">the guide</a> says what the program must do.</p>`,
    400,
  )
}

/** @throws OAuthError `invalid_request` when the body is no form */
async function readForm(c: Context<Environment>): Promise<URLSearchParams> {
  if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(c.req.header('content-type') ?? '')) {
    throw new OAuthError('invalid_request', 'The body must be application/x-www-form-urlencoded.')
  }
  return new URLSearchParams(await readText(c.req.raw, MAX_BYTES))
}

/** Errors as clients of OAuth read them (RFC 6749, section 5.2). */
async function inOAuthWords(
  c: Context<Environment>,
  { publicUrl }: Pick<OAuthOptions, 'publicUrl'>,
  work: () => Promise<Response>,
): Promise<Response> {
  allowAnyPage(c)
  try {
    return await work()
  } catch (error) {
    if (error instanceof OAuthError) {
      const isUnproven = error.code === 'invalid_client'
      return c.json(
        { error: error.code, error_description: error.message, error_uri: `${publicUrl}/docs/oauth` },
        isUnproven ? 401 : error.code === 'temporarily_unavailable' ? 503 : 400,
        isUnproven ? { ...NEVER_KEPT, 'www-authenticate': 'Basic realm="Catwalk"' } : NEVER_KEPT,
      )
    }
    if (
      error instanceof CatwalkError &&
      (error.code === 'invalid_request' || error.code === 'payload_too_large')
    ) {
      return c.json({ error: 'invalid_request', error_description: error.message }, 400, NEVER_KEPT)
    }
    throw error
  }
}
