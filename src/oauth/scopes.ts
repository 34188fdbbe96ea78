/** What a person can allow a client at an endpoint. `mcp:tools` includes `mcp:read`. */
export type OAuthScope = 'mcp:read' | 'mcp:tools'

export const SCOPES: readonly OAuthScope[] = ['mcp:read', 'mcp:tools']

/**
 * The scopes of ours in a `scope` parameter, the narrower ones that they include as well. Others are left out, as
 * RFC 6749, section 3.3 allows: clients ask for `openid` or `offline_access` out of habit. Without any, all are meant.
 */
export function requestedScopes(scope: string | null): OAuthScope[] {
  const asked = new Set((scope ?? '').split(' '))
  const ours = SCOPES.filter((known) => asked.has(known))
  if (ours.length === 0) return [...SCOPES]
  return ours.includes('mcp:tools') ? [...SCOPES] : ours
}
