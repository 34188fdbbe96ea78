import type { queries } from '../../db/index.ts'
import { CatwalkError, Secret, type TokenEndpoints } from '../../domain/index.ts'
import type { Vault } from '../../vault/index.ts'
import { providerScope } from './providers.ts'

/** What a provider gave for an account. */
export interface AccountTokens {
  readonly accessToken: Secret
  readonly refreshToken: Secret | null
  /** Null when the provider does not say. */
  readonly expiresInSeconds: number | null
}

/** A provider's no, in its own word for it. `isFinal`: asking again would not help. */
export class TokenRefusal extends Error {
  readonly code: string
  readonly isFinal: boolean

  constructor(code: string, isFinal: boolean) {
    super(`The provider refused: ${code}`)
    this.name = 'TokenRefusal'
    this.code = code
    this.isFinal = isFinal
  }
}

const LONGEST_LIFE_SECONDS = 366 * 86_400
const MAX_TOKEN_LETTERS = 32_768

export function accountScope(id: string): string {
  return `connected account/${id}`
}

/**
 * Asks a provider's token endpoint (RFC 6749, sections 4.1.3 and 6). GitHub answers errors with status 200.
 * @throws TokenRefusal; CatwalkError `service_unreachable`, `credential_unreadable`
 */
export async function askForTokens(
  endpoints: TokenEndpoints,
  vault: Pick<Vault, 'decrypt'>,
  provider: queries.AccountProviderRow,
  grant: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<AccountTokens> {
  const { form, authorization } = proven(vault, provider, grant)
  const { status, body } = await endpoints.ask(provider.token_url, form, authorization, signal)
  const { access_token: access, refresh_token: refresh, expires_in: expiresIn, error } = body
  if (typeof access === 'string' && access !== '' && access.length <= MAX_TOKEN_LETTERS && status < 300) {
    return {
      accessToken: new Secret(access),
      refreshToken:
        typeof refresh === 'string' && refresh !== '' && refresh.length <= MAX_TOKEN_LETTERS
          ? new Secret(refresh)
          : null,
      expiresInSeconds: secondsOf(expiresIn),
    }
  }
  const word = typeof error === 'string' && /^[\w.-]{1,60}$/.test(error) ? error : `status ${status}`
  const passes = status >= 500 || status === 429 || word === 'temporarily_unavailable' || word === 'slow_down'
  throw new TokenRefusal(word, !passes)
}

/**
 * Has a provider end what it gave for an account (RFC 7009): the refresh token, and with it what it was good for.
 * False when the provider is to be asked again later.
 * @throws CatwalkError `service_unreachable`, `credential_unreadable`
 */
export async function endTokens(
  endpoints: TokenEndpoints,
  vault: Pick<Vault, 'decrypt'>,
  provider: queries.AccountProviderRow,
  account: Sealed,
  signal: AbortSignal,
): Promise<boolean> {
  if (provider.revocation_url === null) return true
  const { accessToken, refreshToken } = openTokens(vault, account)
  const { form, authorization } = proven(vault, provider, {
    token: refreshToken ?? accessToken,
    token_type_hint: refreshToken === null ? 'access_token' : 'refresh_token',
  })
  const status = await endpoints.tell(provider.revocation_url, form, authorization, signal)
  // What it does not know any more is ended; some say so with 400.
  return status < 500 && status !== 429
}

/** A form with what proves to a provider who asks, revealed to the endpoints it was given for and nowhere else. */
function proven(
  vault: Pick<Vault, 'decrypt'>,
  provider: queries.AccountProviderRow,
  what: Readonly<Record<string, string>>,
): { readonly form: Readonly<Record<string, string>>; readonly authorization: Secret | null } {
  const secret = vault.decrypt(providerScope(provider.id), provider.token, provider.key_id)
  const { client_id, auth_method: method } = provider
  if (method === 'client_secret_basic') return { form: what, authorization: basic(client_id, secret) }
  const proof = method === 'client_secret_post' ? { client_secret: secret.reveal() } : {}
  return { form: { ...what, client_id, ...proof }, authorization: null }
}

const encode = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1)

/** RFC 6749, section 2.3.1: both are encoded as in a form first. */
function basic(clientId: string, secret: Secret): Secret {
  const pair = `${encode(clientId)}:${encode(secret.reveal())}`
  return new Secret(`Basic ${Buffer.from(pair).toString('base64')}`)
}

/** Some providers send a text. */
function secondsOf(value: unknown): number | null {
  const seconds = typeof value === 'string' ? Number(value) : value
  if (typeof seconds !== 'number' || !Number.isFinite(seconds) || seconds <= 0) return null
  return Math.min(seconds, LONGEST_LIFE_SECONDS)
}

export function sealTokens(
  vault: Pick<Vault, 'encrypt'>,
  id: string,
  { accessToken, refreshToken }: Pick<AccountTokens, 'accessToken' | 'refreshToken'>,
): { readonly token: string; readonly key_id: string } {
  const text = JSON.stringify({
    accessToken: accessToken.reveal(),
    refreshToken: refreshToken?.reveal() ?? null,
  })
  const { token, keyId } = vault.encrypt(accountScope(id), new Secret(text))
  return { token, key_id: keyId }
}

type Sealed = Pick<queries.ConnectedAccountRow, 'id' | 'token' | 'key_id'>

/** @throws CatwalkError `credential_unreadable` */
export function openRefreshToken(vault: Pick<Vault, 'decrypt'>, account: Sealed): Secret | null {
  const { refreshToken } = openTokens(vault, account)
  return refreshToken === null ? null : new Secret(refreshToken)
}

function openTokens(
  vault: Pick<Vault, 'decrypt'>,
  { id, token, key_id: keyId }: Sealed,
): { readonly accessToken: string; readonly refreshToken: string | null } {
  // Written by sealTokens.
  return JSON.parse(vault.decrypt(accountScope(id), token, keyId).reveal()) as {
    accessToken: string
    refreshToken: string | null
  }
}

/** A refusal, as people are told. */
export function refusedBy(provider: string, { code }: TokenRefusal): CatwalkError {
  return new CatwalkError('account_refused', `${provider} did not give a token: ${code}.`)
}
