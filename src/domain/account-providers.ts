import type { Secret } from './secret.ts'

export type ClientAuthMethod = 'client_secret_post' | 'client_secret_basic' | 'none'

/** What has to be known of a service to connect accounts there (OAuth 2.0, authorization code with PKCE). */
export interface ProviderDescription {
  readonly authorizationUrl: string
  readonly tokenUrl: string
  /** Where it ends tokens (RFC 7009); null: it cannot be asked to. */
  readonly revocationUrl: string | null
  /** What it calls itself in `iss`; null: the origin of its authorization endpoint. */
  readonly issuer: string | null
  readonly scopes: readonly string[]
  /** Sent along to the authorization endpoint. */
  readonly parameters: Readonly<Record<string, string>>
  readonly authMethod: ClientAuthMethod
}

/** Ready descriptions, from the documentation of each. The client id and secret are the workspace's own. */
export const PROVIDER_PRESETS = {
  // docs.github.com, "Authorizing OAuth apps": PKCE with S256 is taken; tokens of OAuth apps do not run out. Tokens are
  // deleted by an API of its own, not by RFC 7009.
  github: {
    authorizationUrl: 'https://github.com/login/oauth/authorize',
    tokenUrl: 'https://github.com/login/oauth/access_token',
    revocationUrl: null,
    issuer: 'https://github.com/login/oauth',
    scopes: ['repo', 'read:user'],
    parameters: {},
    authMethod: 'client_secret_post',
  },
  // developers.google.com, "Using OAuth 2.0 for Web Server Applications": a refresh token only comes with offline access.
  google: {
    authorizationUrl: 'https://accounts.google.com/o/oauth2/v2/auth',
    tokenUrl: 'https://oauth2.googleapis.com/token',
    revocationUrl: 'https://oauth2.googleapis.com/revoke',
    issuer: 'https://accounts.google.com',
    scopes: ['openid', 'email'],
    parameters: { access_type: 'offline', prompt: 'consent' },
    authMethod: 'client_secret_post',
  },
} as const satisfies Record<string, ProviderDescription>

/** Asks the token endpoints of providers, whose addresses members have written down. */
export interface TokenEndpoints {
  /** @throws CatwalkError `service_unreachable` for an address that must not be asked from here */
  check(url: string, signal: AbortSignal): Promise<void>
  /**
   * Sends a form (RFC 6749, section 3.2).
   * @returns whatever status there is, and the members of a JSON answer
   * @throws CatwalkError `service_unreachable` when there is no answer
   */
  ask(
    url: string,
    form: Readonly<Record<string, string>>,
    authorization: Secret | null,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }>
  /**
   * The same where only the status of the answer says something (RFC 7009, section 2.2).
   * @throws CatwalkError `service_unreachable` when there is no answer
   */
  tell(
    url: string,
    form: Readonly<Record<string, string>>,
    authorization: Secret | null,
    signal: AbortSignal,
  ): Promise<number>
}

/** What a server gets of an account: the template with the token in it. */
export function injected(template: string, accessToken: string): string {
  return template.replaceAll('{token}', () => accessToken)
}

/** Why a template cannot be used; null when it can. */
export function templateProblem(template: string): string | null {
  if (!template.includes('{token}')) return 'must hold {token}'
  if (template.length > 512) return 'is longer than 512 characters'
  // eslint-disable-next-line no-control-regex -- Those are what must not be in it.
  return /[\u0000-\u001f\u007f]/.test(template) ? 'holds control characters' : null
}

/**
 * When a token is to be renewed: a fifth of its life before it runs out, five minutes at most.
 * @param expiresInSeconds as the provider says
 */
export function refreshTimes(
  now: Date,
  expiresInSeconds: number | null,
): { readonly expiresAt: Date | null; readonly refreshAt: Date | null } {
  if (expiresInSeconds === null) return { expiresAt: null, refreshAt: null }
  const lifeMs = expiresInSeconds * 1000
  const expiresAt = new Date(now.getTime() + lifeMs)
  return { expiresAt, refreshAt: new Date(expiresAt.getTime() - Math.min(300_000, lifeMs / 5)) }
}
