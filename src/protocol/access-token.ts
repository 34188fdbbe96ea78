import type { Sealer } from './sealed.ts'

/** What an access token says. It is looked at by our own gateways only, so clients cannot read it. */
export interface AccessClaims {
  /** Ends all its tokens when it ends. */
  readonly authorizationId: string
  /** The one endpoint that it is for. */
  readonly deploymentId: string
  readonly scope: 'read' | 'full'
  /** Seconds since 1970. */
  readonly expiresAt: number
}

const PREFIX = 'cwa_'
const MAX_LETTERS = 512

/** Whether a text has the form of an access token and not of an endpoint token. */
export function isAccessToken(token: string): boolean {
  return token.startsWith(PREFIX)
}

export function sealAccessToken(sealer: Sealer, claims: AccessClaims): string {
  const { authorizationId, deploymentId, scope, expiresAt } = claims
  return PREFIX + sealer.seal(Buffer.from(JSON.stringify([authorizationId, deploymentId, scope, expiresAt])))
}

/** The claims of a token that `sealer` sealed, expired ones included; undefined for any other text. */
export function openAccessToken(sealer: Sealer, token: string): AccessClaims | undefined {
  if (!isAccessToken(token) || token.length > MAX_LETTERS) return undefined
  const content = sealer.open(token.slice(PREFIX.length))
  if (content === undefined) return undefined
  // Authenticated: only sealAccessToken wrote it.
  const [authorizationId, deploymentId, scope, expiresAt] = JSON.parse(content.toString()) as [
    string,
    string,
    'read' | 'full',
    number,
  ]
  return { authorizationId, deploymentId, scope, expiresAt }
}
