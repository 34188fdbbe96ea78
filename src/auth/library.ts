import { randomUUID } from 'node:crypto'
import { kyselyAdapter } from '@better-auth/kysely-adapter'
// Without the library's own database drivers, which double the time it takes to load.
import { betterAuth } from 'better-auth/minimal'
import type { Kysely } from 'kysely'
import type { DB } from '../db/index.ts'
import { newId, type Clock, type Logger, type Secret } from '../domain/index.ts'
import { ownOrigins, type OwnAddresses } from './addresses.ts'
import { identityProviders, NO_PROVIDERS, type ProviderSettings } from './providers.ts'
import { createRateLimiter } from './rate-limit.ts'
import { recordLink, recordSignIn, type WayIn } from './record-sign-in.ts'
import { oneTimeCodes, passkeys } from './second-factor-plugins.ts'
import { admitNewcomer, welcomeNewcomer, type SignUpMode } from './sign-up-policy.ts'

export interface LibraryOptions extends OwnAddresses {
  readonly database: Kysely<DB>
  /** Signs session cookies; changing it signs everyone out. */
  readonly secret: Secret
  readonly clock: Clock
  readonly logger: Logger
  /** Who may make an account by a provider. Default: whoever was invited. */
  readonly signUp?: SignUpMode
  /** Default: none. */
  readonly providers?: ProviderSettings
}

/** Header in which we tell the library the caller's address; what a caller sends under this name is overwritten. */
export const ADDRESS_HEADER = 'x-catwalk-address'

const DAY_S = 24 * 60 * 60

/** The accounts library with our tables, cookies and limits. */
// The library's type is made from its options, so it is inferred.
// eslint-disable-next-line typescript/explicit-module-boundary-types
export function createLibrary(options: LibraryOptions) {
  const { database, secret, publicUrl, clock, logger } = options
  const { signUp = 'invitation', providers = NO_PROVIDERS } = options
  const limiter = createRateLimiter(clock)
  const isHttps = publicUrl.protocol === 'https:'
  // Over https the strongest prefix that browsers know: such a cookie comes from this very host, over TLS, for all of
  // its paths, so that no neighbour under the same domain can plant one. The library itself knows `__Secure-` only.
  const cookiePrefix = isHttps ? '__Host-catwalk' : 'catwalk'

  return betterAuth({
    appName: 'Catwalk',
    baseURL: publicUrl.origin,
    basePath: '/api/auth',
    secret: secret.reveal(),
    database: kyselyAdapter(database, { type: 'postgres', transaction: true }),
    emailAndPassword: { enabled: true, disableSignUp: true, minPasswordLength: 10, maxPasswordLength: 128 },
    session: {
      modelName: 'sessions',
      fields: {
        userId: 'user_id',
        expiresAt: 'expires_at',
        ipAddress: 'ip_address',
        userAgent: 'user_agent',
        createdAt: 'created_at',
        updatedAt: 'updated_at',
      },
      expiresIn: 30 * DAY_S,
      updateAge: DAY_S,
      // What needs a fresh proof asks for it by itself: see prove.ts.
      freshAge: 0,
    },
    user: {
      modelName: 'users',
      fields: { emailVerified: 'email_verified', createdAt: 'created_at', updatedAt: 'updated_at' },
    },
    account: {
      modelName: 'accounts',
      fields: {
        userId: 'user_id',
        providerId: 'provider_id',
        accountId: 'account_id',
        accessToken: 'access_token',
        refreshToken: 'refresh_token',
        idToken: 'id_token',
        accessTokenExpiresAt: 'access_token_expires_at',
        refreshTokenExpiresAt: 'refresh_token_expires_at',
        createdAt: 'created_at',
        updatedAt: 'updated_at',
      },
      encryptOAuthTokens: true,
      // By itself only where both sides have verified the same address; from the account page also others.
      accountLinking: { enabled: true, trustedProviders: [], allowDifferentEmails: true },
    },
    verification: {
      modelName: 'verifications',
      fields: { expiresAt: 'expires_at', createdAt: 'created_at', updatedAt: 'updated_at' },
      storeIdentifier: 'hashed',
    },
    plugins: [oneTimeCodes(), passkeys(publicUrl), identityProviders(providers)],
    trustedOrigins: [...ownOrigins(options)],
    rateLimit: {
      enabled: true,
      window: 60,
      max: 100,
      customRules: { '/sign-in/email': { window: 60, max: 10 } },
      customStorage: {
        consume: async (key, { window, max }) => {
          const waitMs = limiter.take(key, { max, windowMs: window * 1000 })
          return { allowed: waitMs === 0, retryAfter: Math.ceil(waitMs / 1000) }
        },
      },
    },
    advanced: {
      cookiePrefix,
      useSecureCookies: false,
      defaultCookieAttributes: { secure: isHttps, httpOnly: true, sameSite: 'lax', path: '/' },
      // Said out loud, because the library turns both checks off by itself when NODE_ENV is "test".
      disableCSRFCheck: false,
      disableOriginCheck: false,
      ipAddress: { ipAddressHeaders: [ADDRESS_HEADER] },
      database: {
        generateId: ({ model }) => (model === 'user' ? newId('user') : randomUUID()),
        // Our migrations make the tables, and a test compares them with what the library wants.
        validateSchema: false,
      },
    },
    onAPIError: { errorURL: new URL('/sign-in', publicUrl).href },
    databaseHooks: {
      user: {
        create: {
          before: ({ email }) => admitNewcomer(database, signUp, email),
          after: async (user, ctx) => {
            await welcomeNewcomer(database, user, ctx?.headers?.get(ADDRESS_HEADER) ?? null)
          },
        },
      },
      account: {
        create: {
          async after({ userId, providerId }, ctx) {
            await recordLink(database, userId, providerId, ctx?.headers?.get(ADDRESS_HEADER) ?? null)
          },
        },
      },
      session: {
        create: {
          async after({ userId, ipAddress }, ctx) {
            const way = wayInBy(ctx?.path, providerIn(ctx?.params), ctx?.context.session !== null)
            if (way !== null) await recordSignIn(database, userId, ipAddress || null, way)
          },
        },
      },
    },
    telemetry: { enabled: false },
    logger: {
      level: 'info',
      // Arguments may hold whole rows, so only the message is kept.
      log: (level, message) => logger[level]({ part: 'accounts' }, message),
    },
  })
}

/** How a session came about; null for one that only takes the place of another. */
function wayInBy(
  path: string | undefined,
  provider: 'github' | 'google',
  wasSignedIn: boolean,
): WayIn | null {
  switch (path ?? '') {
    case '/two-factor/verify-totp':
      return wasSignedIn ? null : 'code'
    case '/two-factor/verify-backup-code':
      return 'recovery_code'
    case '/passkey/verify-authentication':
      return 'passkey'
    case '/callback/:id':
      return provider
    default:
      return 'password'
  }
}

function providerIn(params: unknown): 'github' | 'google' {
  const isGoogle = typeof params === 'object' && params !== null && 'id' in params && params.id === 'google'
  return isGoogle ? 'google' : 'github'
}

/** The cookie of a sign-in that waits for a code: its name, and whose sign-in a value of it is. */
export async function twoFactorCookie(library: Library): Promise<{
  readonly name: string
  /** @param cookie `name=value` as a browser sends it; null also for one that has expired */
  userOf(cookie: string): Promise<string | null>
}> {
  const context = await library.$context
  const { name } = context.createAuthCookie('two_factor')
  return {
    name,
    async userOf(cookie) {
      // Its signature is checked by the library, before any code is.
      const identifier = decoded(cookie.slice(name.length + 1)).replace(/\.[^.]*$/, '')
      const found = await context.internalAdapter.findVerificationValue(identifier)
      return found?.value ?? null
    },
  }
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

export type Library = ReturnType<typeof createLibrary>
