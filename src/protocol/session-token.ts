import type { Sealer } from './sealed.ts'

/** All that is needed to go on with a session after its bridge is gone. */
export interface SessionClaims {
  /** The session's own id, random; names it in the list of ended sessions. */
  readonly id: string
  /** Seconds since 1970. */
  readonly issuedAt: number
  readonly deploymentId: string
  readonly subject: string
  /** The bridge that issued it; another one has to replay the handshake. */
  readonly bridge: string
  /** The node where that bridge is, if one can be at several. */
  readonly node?: string
  readonly version: string
  readonly clientInfo: object
  readonly capabilities: object
}

/** Proxies cut or refuse longer header values. */
export const MAX_TOKEN_LETTERS = 2048
const FORMAT = 1

/** The session id that the client gets: the claims, sealed. Never longer than {@link MAX_TOKEN_LETTERS}. */
export function sealSession(sealer: Sealer, claims: SessionClaims): string {
  for (const candidate of [claims, shortened(claims), minimal(claims)]) {
    const token = sealer.seal(Buffer.from(JSON.stringify({ format: FORMAT, ...candidate })))
    if (token.length <= MAX_TOKEN_LETTERS) return token
  }
  throw new RangeError('The session does not fit a header.')
}

/** The claims of a token that `sealer` sealed, or undefined for any other text. */
export function openSession(sealer: Sealer, token: string): SessionClaims | undefined {
  if (token.length > MAX_TOKEN_LETTERS) return undefined
  const content = sealer.open(token)
  if (content === undefined) return undefined
  // Authenticated: only sealSession wrote it, and `format` says by which shape.
  const { format, ...claims } = JSON.parse(content.toString()) as SessionClaims & { format: number }
  return format === FORMAT ? claims : undefined
}

/** Icons and long texts say nothing that a server needs. */
function shortened(claims: SessionClaims): SessionClaims {
  const { name, version, title } = claims.clientInfo as Record<string, unknown>
  const clientInfo = {
    name: cut(name, 100),
    version: cut(version, 50),
    ...(title === undefined ? {} : { title: cut(title, 100) }),
  }
  return { ...claims, clientInfo }
}

/** What a capability is set to is given up last; that it is declared is kept for those of the specification. */
function minimal(claims: SessionClaims): SessionClaims {
  const known = ['sampling', 'elicitation', 'roots', 'tasks'].filter((name) => name in claims.capabilities)
  return { ...shortened(claims), capabilities: Object.fromEntries(known.map((name) => [name, {}])) }
}

function cut(value: unknown, letters: number): string {
  return typeof value === 'string' ? value.slice(0, letters) : ''
}
