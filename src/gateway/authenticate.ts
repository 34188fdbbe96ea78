import { hash } from 'node:crypto'
import { takesSignIn, takesTokens, type Clock } from '../domain/index.ts'
import { isAccessToken, type AccessClaims } from '../protocol/index.ts'
import type { Principal } from './principal.ts'
import type { GatewayRoute } from './route-table.ts'

export interface Authenticator {
  readonly clock: Clock
  /** Origin without a trailing slash. */
  readonly publicUrl: string
  /** What an access token says; undefined for any other text. */
  readonly openAccessToken: (token: string) => AccessClaims | undefined
}

/** Who shows a token that the endpoint takes, or undefined. Asks nobody: all that counts is in memory. */
export function authenticate(
  secret: string | undefined,
  route: GatewayRoute,
  authenticator: Authenticator,
): Principal | undefined {
  if (secret === undefined) return undefined
  const mode = route.access ?? 'token'
  if (isAccessToken(secret))
    return takesSignIn(mode) ? personPrincipal(secret, route, authenticator) : undefined
  return takesTokens(mode) ? tokenPrincipal(secret, route, authenticator.clock) : undefined
}

function tokenPrincipal(secret: string, route: GatewayRoute, clock: Clock): Principal | undefined {
  // A look-up by hash: how long it takes says nothing about the token.
  const token = route.tokens.get(hash('sha256', secret, 'hex'))
  if (token === undefined) return undefined
  if (token.expiresAt !== null && token.expiresAt.getTime() <= clock.now().getTime()) return undefined
  const { id, scope = 'full', userId, quotas } = token
  return {
    limitKey: id,
    tokenId: id,
    subject: id,
    scope,
    ...(userId === undefined ? {} : { person: userId }),
    ...(quotas === undefined ? {} : { quotas }),
  }
}

/**
 * The person for whom a client calls. A token is worth something at the one endpoint that it was made for, until it
 * expires, and only while what the person allowed is in the route: it goes when they take it back or leave.
 */
function personPrincipal(
  secret: string,
  route: GatewayRoute,
  { clock, publicUrl, openAccessToken }: Authenticator,
): Principal | undefined {
  const claims = openAccessToken(secret)
  if (claims === undefined || claims.deploymentId !== route.deploymentId) return undefined
  if (claims.expiresAt * 1000 <= clock.now().getTime()) return undefined
  const authorization = route.authorizations?.get(claims.authorizationId)
  if (authorization === undefined) return undefined
  const { connectionId, userId } = authorization
  const scope = claims.scope === 'read' ? 'read' : authorization.scope
  return {
    limitKey: connectionId,
    tokenId: connectionId,
    subject: userId,
    person: userId,
    scope,
    ...(scope === 'full' ? {} : { challenge: scopeChallenge(publicUrl, route.slug, INSUFFICIENT) }),
  }
}

const INSUFFICIENT = [
  'error="insufficient_scope"',
  'error_description="Calling tools needs the scope mcp:tools"',
] as const

/** `WWW-Authenticate` of an endpoint where people sign in (RFC 6750, section 3; RFC 9728, section 5.1). */
export function scopeChallenge(publicUrl: string, slug: string, about: readonly string[]): string {
  const metadata = `${publicUrl}/.well-known/oauth-protected-resource/mcp/${slug}`
  return `Bearer ${[...about, `resource_metadata="${metadata}"`, 'scope="mcp:read mcp:tools"'].join(', ')}`
}

const MAX_KNOWN = 10_000

/** Remembers what tokens said, because opening one costs more than all the rest of a warm call. */
export function remembering(
  openAccessToken: (token: string) => AccessClaims | undefined,
): (token: string) => AccessClaims | undefined {
  const known = new Map<string, AccessClaims>()
  return (token) => {
    const before = known.get(token)
    if (before !== undefined) return before
    const claims = openAccessToken(token)
    if (claims === undefined) return undefined
    if (known.size >= MAX_KNOWN) known.clear()
    known.set(token, claims)
    return claims
  }
}
