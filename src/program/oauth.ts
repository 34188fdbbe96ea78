import type { Kysely } from 'kysely'
import type { DB } from '../db/index.ts'
import { takesSignIn, type Clock } from '../domain/index.ts'
import type { GatewayRoute, RouteTable } from '../gateway/index.ts'
import { HttpFailure, readBytes, type HttpClient } from '../network/index.ts'
import type { AskOwn, FetchDocument, KnownEndpoint, OAuthOptions } from '../oauth/index.ts'
import { createSealer, openAccessToken, type AccessClaims } from '../protocol/index.ts'
import type { Vault } from '../vault/index.ts'

const DOCUMENT_TIMEOUT_MS = 5000
const MAX_DOCUMENT_BYTES = 32 * 1024
const KNOWN_TIMEOUT_MS = 2000
const OWN_TIMEOUT_MS = 5000

export interface OAuthParts {
  readonly db: Kysely<DB>
  readonly vault: Pick<Vault, 'derive'>
  readonly routes: RouteTable
  readonly clock: Clock
  /** Origin without a trailing slash. */
  readonly publicUrl: string
  /** For metadata documents of clients. */
  readonly http: HttpClient
  readonly documentHosts: readonly string[] | null
}

/** The authorization server, and how the gateway reads what it issues. The route table is what both know of endpoints. */
export function createOAuth(parts: OAuthParts): {
  readonly oauth: OAuthOptions
  readonly openAccessToken: (token: string) => AccessClaims | undefined
} {
  const { db, vault, routes, clock, publicUrl, http, documentHosts } = parts
  const key = vault.derive('oauth', 32)
  const tokenSealer = createSealer(key, 'access token')
  return {
    oauth: {
      db,
      clock,
      publicUrl,
      tokenSealer,
      requestSealer: createSealer(key, 'authorization request'),
      endpoints: {
        find(slug) {
          const route = routes.find(slug)
          return route === undefined ? undefined : asEndpoint(route)
        },
        all: () => Iterator.from(routes.all()).map(asEndpoint),
      },
      fetchDocument: createDocumentFetcher(http),
      askOwn,
      documentHosts,
      whenKnown: async (deploymentId, authorizationId) => whenKnown(routes, deploymentId, authorizationId),
    },
    openAccessToken: (token) => openAccessToken(tokenSealer, token),
  }
}

function asEndpoint({ deploymentId, slug, access = 'token' }: GatewayRoute): KnownEndpoint {
  return { deploymentId, slug, takesSignIn: takesSignIn(access), onlyTokens: access === 'token' }
}

/** Metadata documents are small, and a redirect would lead away from the address that is the client's name. */
function createDocumentFetcher(http: HttpClient): FetchDocument {
  return async (url) => {
    const signal = AbortSignal.timeout(DOCUMENT_TIMEOUT_MS)
    try {
      const response = await http.request(url, {
        headers: { accept: 'application/json' },
        maxRedirects: 0,
        timeoutMs: DOCUMENT_TIMEOUT_MS,
        signal,
      })
      const body = await readBytes(response, MAX_DOCUMENT_BYTES)
      return {
        status: response.status,
        contentType: response.headers['content-type'] ?? '',
        cacheControl: response.headers['cache-control'] ?? '',
        body: body.toString('utf8'),
      }
    } catch (error) {
      if (error instanceof HttpFailure) throw error
      throw new HttpFailure('timeout', `${url.host} does not answer in time.`, error)
    }
  }
}

/** Over the network like everybody else, so that a proxy in front of us is met as clients meet it. */
const askOwn: AskOwn = async (url, { method, body }) => {
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      accept: 'application/json, text/event-stream',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body }),
    signal: AbortSignal.timeout(OWN_TIMEOUT_MS),
  })
  const isJson = response.headers.get('content-type')?.includes('json') === true
  const value: unknown = isJson ? await response.json().catch(() => null) : await response.body?.cancel()
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate'),
    // An object that JSON was read from.
    body: typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null,
  }
}

/** A client that calls as soon as it has its token must not be refused because the news is still on its way. */
async function whenKnown(routes: RouteTable, deploymentId: string, authorizationId: string): Promise<void> {
  const isKnown = () => routes.ofDeployment(deploymentId)?.authorizations?.has(authorizationId) === true
  if (isKnown()) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const unwatch = routes.onChange(() => {
    if (isKnown()) resolve()
  })
  const timer = setTimeout(resolve, KNOWN_TIMEOUT_MS)
  await promise
  clearTimeout(timer)
  unwatch()
}
