import type { Kysely } from 'kysely'
import type { DB } from '../db/index.ts'
import { CatwalkError, type Actor, type Mailer, type Role } from '../domain/index.ts'
import { actorOfApiKey } from './api-keys.ts'
import { forwardToLibrary } from './forward.ts'
import { ADDRESS_HEADER, createLibrary, type Library, type LibraryOptions } from './library.ts'
import { createLinkedAccounts, type LinkedAccounts } from './linked-accounts.ts'
import { createMailLinks, type MailLinks } from './mail-links.ts'
import { membershipOf } from './members.ts'
import { createPasskeys, type Passkeys } from './passkeys.ts'
import { NO_PROVIDERS } from './providers.ts'
import { createSecondFactor, type SecondFactor } from './second-factor.ts'
import { deleteExpiredCodes } from './used-codes.ts'
import { createSignInGuard, type SignInGuard } from './sign-in-guard.ts'

/** Who sent a request, and how that was proved. */
export interface SignedIn {
  readonly actor: Actor
  /** A cookie is sent by the browser itself, so requests that change something must prove where they come from. */
  readonly by: 'cookie' | 'api_key'
  /** Of the browser; null for a key. */
  readonly sessionId: string | null
  /** `Set-Cookie` values that the answer must carry: the session was prolonged. */
  readonly cookies: readonly string[]
}

export interface Profile {
  readonly user: { readonly id: string; readonly name: string; readonly email: string } | null
  readonly apiKey: { readonly id: string; readonly name: string; readonly expiresAt: string | null } | null
  readonly workspace: { readonly id: string; readonly name: string }
  readonly role: Role
  readonly isInstallationAdmin: boolean
}

export interface Auth {
  /**
   * Answers `/api/auth/sign-in/email` and `/api/auth/sign-out`.
   * @throws CatwalkError `not_found`, `invalid_credentials`, `rate_limited`, `forbidden`, `invalid_request`, `internal`
   */
  handler(request: Request, address: string | null): Promise<Response>
  /**
   * Who sends these headers: an API key (`Authorization: Bearer cwk_…`) or a session cookie; null for nobody.
   * @param workspaceId the workspace to work in; by default the first one joined, or the key's
   * @throws CatwalkError `workspace_not_found` when the caller is not in it
   */
  authenticate(headers: Headers, address: string | null, workspaceId?: string): Promise<SignedIn | null>
  /** Opens a session; returns its `Set-Cookie` values. @throws CatwalkError `invalid_credentials` */
  signIn(
    input: { email: string; password: string },
    headers: Headers,
    address: string | null,
  ): Promise<string[]>
  readonly secondFactor: SecondFactor
  readonly passkeys: Passkeys
  readonly linkedAccounts: LinkedAccounts
  readonly mailLinks: MailLinks
  /** Slows down whoever guesses at one account. */
  readonly guard: SignInGuard
  /** Deletes what nothing depends on any more: failures that are forgotten, codes that have expired. */
  sweep(): Promise<void>
  /** What `GET /me` shows. @throws CatwalkError `unauthenticated` when the account is gone */
  profileOf(actor: Actor): Promise<Profile>
}

export interface AuthOptions extends LibraryOptions {
  /** Default: no mail is sent. */
  readonly mailer?: Mailer | null
}

export function createAuth(options: AuthOptions): Auth {
  const { database } = options
  const library = createLibrary(options)
  const guard = createSignInGuard(database, options.clock)

  return {
    guard,
    async sweep() {
      await guard.sweep()
      await deleteExpiredCodes(database)
    },
    secondFactor: createSecondFactor(library, database, guard),
    passkeys: createPasskeys(library, database, guard),
    linkedAccounts: createLinkedAccounts(library, database, guard, options.providers ?? NO_PROVIDERS),
    mailLinks: createMailLinks({
      database,
      publicUrl: options.publicUrl,
      mailer: options.mailer ?? null,
      clock: options.clock,
    }),
    handler: (request, address) => forwardToLibrary(library, database, guard, request, address),

    async authenticate(headers, address, workspaceId) {
      const authorization = headers.get('authorization')
      // A request that shows a key is judged by it alone, never by a cookie that came along.
      if (authorization !== null) {
        const key = /^bearer +(\S+) *$/i.exec(authorization)?.[1]
        if (key === undefined) return null
        const actor = await actorOfApiKey(database, key, address, workspaceId)
        if (actor !== null) return { actor, by: 'api_key', sessionId: null, cookies: [] }
        if (workspaceId === undefined || (await actorOfApiKey(database, key, address)) === null) return null
        throw noSuchWorkspace()
      }
      return authenticateByCookie(library, database, headers, address, workspaceId)
    },

    async signIn(body, headers, address) {
      const response = await library.api.signInEmail({
        body,
        headers: aboutCaller(headers, address),
        asResponse: true,
      })
      if (!response.ok) throw new CatwalkError('invalid_credentials', 'The email or the password is wrong.')
      return response.headers.getSetCookie()
    },

    async profileOf(actor) {
      const workspace = await database
        .selectFrom('workspaces')
        .select(['id', 'name'])
        .where('id', '=', actor.workspaceId)
        .executeTakeFirst()
      const user = actor.kind === 'user' ? await findUser(database, actor.id) : null
      const key = actor.kind === 'api_key' ? await findKey(database, actor.id) : null
      if (workspace === undefined || user === undefined || key === undefined) {
        throw new CatwalkError('unauthenticated', 'This account is gone.')
      }
      return {
        user,
        apiKey: key === null ? null : { ...key, expiresAt: key.expiresAt?.toISOString() ?? null },
        workspace,
        role: actor.role,
        isInstallationAdmin: actor.isInstallationAdmin === true,
      }
    },
  }
}

async function authenticateByCookie(
  library: Library,
  database: Kysely<DB>,
  headers: Headers,
  address: string | null,
  workspaceId: string | undefined,
): Promise<SignedIn | null> {
  const cookie = headers.get('cookie')
  if (cookie === null) return null
  const answer = await library.api.getSession({ headers: new Headers({ cookie }), returnHeaders: true })
  if (answer.response === null) return null
  const { user, session } = answer.response
  const member = await membershipOf(database, user.id, workspaceId)
  if (member === null && workspaceId !== undefined) throw noSuchWorkspace()
  if (member === null) return null
  return {
    actor: {
      kind: 'user',
      id: user.id,
      label: user.email,
      ...member,
      address,
    },
    by: 'cookie',
    sessionId: session.id,
    cookies: answer.headers.getSetCookie(),
  }
}

function noSuchWorkspace(): CatwalkError {
  return new CatwalkError('workspace_not_found', 'You are not in such a workspace.')
}

async function findUser(database: Kysely<DB>, id: string) {
  return database.selectFrom('users').select(['id', 'name', 'email']).where('id', '=', id).executeTakeFirst()
}

async function findKey(database: Kysely<DB>, id: string) {
  return database
    .selectFrom('api_keys')
    .select(['id', 'name', 'expires_at as expiresAt'])
    .where('id', '=', id)
    .executeTakeFirst()
}

/** What a session remembers of the one who opened it. */
function aboutCaller(headers: Headers, address: string | null): Headers {
  const kept = new Headers()
  const agent = headers.get('user-agent')
  if (agent !== null) kept.set('user-agent', agent.slice(0, 300))
  if (address !== null) kept.set(ADDRESS_HEADER, address)
  return kept
}
