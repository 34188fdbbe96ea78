import { APIError } from 'better-auth/api'
import { genericOAuth } from 'better-auth/plugins/generic-oauth'
import { z } from 'zod'
import type { Secret } from '../domain/index.ts'

export type ProviderId = 'github' | 'google'

export interface OAuthClient {
  readonly clientId: string
  readonly clientSecret: Secret
}

/** Who else may tell who somebody is; null for those that are not configured. Addresses without a slash at the end. */
export interface ProviderSettings {
  readonly github: (OAuthClient & { readonly loginUrl: string; readonly apiUrl: string }) | null
  readonly google:
    | (OAuthClient & {
        readonly authorizeUrl: string
        readonly tokenUrl: string
        readonly userInfoUrl: string
      })
    | null
}

export const NO_PROVIDERS: ProviderSettings = { github: null, google: null }

export const PROVIDER_NAMES: Readonly<Record<ProviderId, string>> = { github: 'GitHub', google: 'Google' }

/** Those that are configured, in the order of the buttons. */
export function configured({ github, google }: ProviderSettings): readonly ProviderId[] {
  return [
    ...(github === null ? [] : (['github'] as const)),
    ...(google === null ? [] : (['google'] as const)),
  ]
}

interface Identity {
  readonly [key: string]: unknown
  /** Never changes, and is never given to somebody else. */
  readonly id: string
  readonly email: string
  readonly emailVerified: true
  readonly name: string
}

const TIMEOUT_MS = 10_000

/** The providers as the library knows them. An address that a provider has not verified signs nobody in. */
// The library's type is made from its options, so it is inferred.
// eslint-disable-next-line typescript/explicit-module-boundary-types
export function identityProviders({ github, google }: ProviderSettings) {
  const config = []
  if (github !== null) {
    config.push({
      providerId: 'github',
      clientId: github.clientId,
      authorizationUrl: `${github.loginUrl}/login/oauth/authorize`,
      scopes: ['read:user', 'user:email'],
      getToken: tokensFrom(`${github.loginUrl}/login/oauth/access_token`, github),
      getUserInfo: ({ accessToken }: Tokens) => githubIdentity(github.apiUrl, accessToken ?? ''),
    })
  }
  if (google !== null) {
    config.push({
      providerId: 'google',
      clientId: google.clientId,
      authorizationUrl: google.authorizeUrl,
      scopes: ['openid', 'email', 'profile'],
      getToken: tokensFrom(google.tokenUrl, google),
      getUserInfo: ({ accessToken }: Tokens) => googleIdentity(google.userInfoUrl, accessToken ?? ''),
    })
  }
  return genericOAuth({ config })
}

interface Tokens {
  readonly accessToken?: string | undefined
}

const TokenAnswer = z.object({ access_token: z.string().min(1) })

/** Changes a code for a token (RFC 6749, 4.1.3, with PKCE). Only the access token is kept; we ask once and never again. */
function tokensFrom(url: string, { clientId, clientSecret }: OAuthClient) {
  return async (data: { code: string; redirectURI: string; codeVerifier?: string | undefined }) => {
    const body = new URLSearchParams({
      grant_type: 'authorization_code',
      code: data.code,
      redirect_uri: data.redirectURI,
      client_id: clientId,
      client_secret: clientSecret.reveal(),
      ...(data.codeVerifier === undefined ? {} : { code_verifier: data.codeVerifier }),
    })
    const answer = TokenAnswer.safeParse(await ask(url, { method: 'POST', body }))
    if (!answer.success) throw refused('provider_refused', 'The provider did not accept the code.')
    return { accessToken: answer.data.access_token }
  }
}

const GitHubUser = z.object({ id: z.number().int(), login: z.string(), name: z.string().nullish() })
const GitHubEmails = z.array(z.object({ email: z.email(), primary: z.boolean(), verified: z.boolean() }))

/** https://docs.github.com/en/rest/users: `GET /user` and `GET /user/emails`. */
async function githubIdentity(apiUrl: string, accessToken: string): Promise<Identity> {
  const headers = { authorization: `Bearer ${accessToken}`, 'x-github-api-version': '2022-11-28' }
  const [user, emails] = await Promise.all([
    ask(`${apiUrl}/user`, { headers }).then((answer) => GitHubUser.safeParse(answer)),
    ask(`${apiUrl}/user/emails?per_page=100`, { headers }).then((answer) => GitHubEmails.safeParse(answer)),
  ])
  if (!user.success || !emails.success) throw refused('provider_refused', 'GitHub did not say who this is.')
  const email = emails.data.find(({ primary, verified }) => primary && verified)?.email
  if (email === undefined) throw unverified()
  return {
    id: String(user.data.id),
    email,
    emailVerified: true,
    name: (user.data.name ?? '') === '' ? user.data.login : (user.data.name ?? ''),
  }
}

const GoogleUser = z.object({
  sub: z.string().min(1),
  email: z.email().optional(),
  email_verified: z.boolean().optional(),
  name: z.string().optional(),
})

/** OpenID Connect Core 1.0, 5.3: the UserInfo endpoint. */
async function googleIdentity(userInfoUrl: string, accessToken: string): Promise<Identity> {
  const answer = await ask(userInfoUrl, { headers: { authorization: `Bearer ${accessToken}` } })
  const user = GoogleUser.safeParse(answer)
  if (!user.success) throw refused('provider_refused', 'Google did not say who this is.')
  const { sub, email, email_verified: verified, name } = user.data
  if (email === undefined || verified !== true) throw unverified()
  return { id: sub, email, emailVerified: true, name: name ?? email }
}

async function ask(
  url: string,
  init: { method?: 'POST'; headers?: Record<string, string>; body?: URLSearchParams },
): Promise<unknown> {
  try {
    const response = await fetch(url, {
      ...init,
      headers: { accept: 'application/json', 'user-agent': 'catwalk', ...init.headers },
      // A redirect would carry the client's secret or the person's token to another place.
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    return response.ok ? await response.json() : null
  } catch {
    // Cut off, too slow, no JSON: the caller tells what that means. The reason may name addresses with secrets.
    return null
  }
}

function unverified(): APIError {
  return refused('email_not_verified', 'The provider has no verified address for this account.')
}

function refused(code: string, message: string): APIError {
  return new APIError('FORBIDDEN', { code, message })
}
