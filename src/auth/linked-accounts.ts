import type { Kysely } from 'kysely'
import { z } from 'zod'
import { queries, type DB, type Handle } from '../db/index.ts'
import { CatwalkError, type Actor } from '../domain/index.ts'
import { cookieOf, readAnswer } from './ask-library.ts'
import type { Library } from './library.ts'
import { prove, type Proof } from './prove.ts'
import { configured, PROVIDER_NAMES, type ProviderId, type ProviderSettings } from './providers.ts'
import type { SignInGuard } from './sign-in-guard.ts'

export interface LinkedAccount {
  readonly provider: ProviderId
  readonly linkedAt: Date
}

/** Where the browser goes next, and the cookies that it takes along. */
export interface Departure {
  readonly url: string
  readonly cookies: readonly string[]
}

export interface LinkedAccounts {
  /** The providers that are configured. */
  readonly providers: readonly { readonly id: ProviderId; readonly name: string }[]
  list(userId: string): Promise<readonly LinkedAccount[]>
  /**
   * Begins to sign in by a provider.
   * @param back path of ours to come back to
   * @throws CatwalkError `provider_not_found`
   */
  startSignIn(
    provider: string,
    input: { readonly back: string; readonly invitation: string | null },
  ): Promise<Departure>
  /** Begins to link the person's account at a provider. */
  startLinking(
    actor: Actor,
    sessionId: string | null,
    headers: Headers,
    provider: string,
    proof: Proof,
  ): Promise<Departure>
  /** @throws CatwalkError `account_not_linked`, `last_way_in` and what `prove` throws */
  unlink(actor: Actor, sessionId: string | null, provider: string, proof: Proof): Promise<null>
}

const Redirect = z.object({ url: z.url() })

export function createLinkedAccounts(
  library: Library,
  database: Kysely<DB>,
  guard: SignInGuard,
  settings: ProviderSettings,
): LinkedAccounts {
  const known = configured(settings)

  function find(provider: string): ProviderId {
    const found = known.find((id) => id === provider)
    if (found !== undefined) return found
    throw new CatwalkError('provider_not_found', 'This Catwalk does not sign in by such a provider.')
  }

  return {
    providers: known.map((id) => ({ id, name: PROVIDER_NAMES[id] })),
    async list(userId) {
      const rows = await database
        .selectFrom('accounts')
        .select(['provider_id', 'created_at'])
        .where('user_id', '=', userId)
        .orderBy('created_at')
        .execute()
      return rows.flatMap((row) => {
        const provider = (['github', 'google'] as const).find((id) => id === row.provider_id)
        return provider === undefined ? [] : [{ provider, linkedAt: row.created_at }]
      })
    },
    startSignIn: async (provider, { back, invitation }) =>
      depart(
        await library.api.signInSocial({
          body: {
            provider: find(provider),
            callbackURL: back,
            errorCallbackURL: '/sign-in',
            disableRedirect: true,
            ...(invitation === null ? {} : { additionalData: { invitation } }),
          },
          headers: new Headers(),
          asResponse: true,
        }),
      ),
    async startLinking(actor, sessionId, headers, provider, proof) {
      const id = find(provider)
      await prove({ db: database, guard }, actor, sessionId, proof)
      return depart(
        await library.api.linkSocialAccount({
          body: {
            provider: id,
            callbackURL: '/account',
            errorCallbackURL: '/account',
            disableRedirect: true,
          },
          headers: cookieOf(headers),
          asResponse: true,
        }),
      )
    },
    async unlink(actor, sessionId, provider, proof) {
      await prove({ db: database, guard }, actor, sessionId, proof)
      return database.transaction().execute(async (tx) => {
        await tx.selectFrom('users').select('id').where('id', '=', actor.id).forUpdate().execute()
        const row = await tx
          .deleteFrom('accounts')
          .where('user_id', '=', actor.id)
          .where('provider_id', '=', provider)
          .where('provider_id', '<>', 'credential')
          .returning('id')
          .executeTakeFirst()
        if (row === undefined) throw new CatwalkError('account_not_linked', 'No such account is linked.')
        await requireWayIn(tx, actor.id)
        await queries.recordAudit(tx, {
          actor,
          action: 'account.unlink',
          target: actor.id,
          detail: { provider },
        })
        return null
      })
    },
  }
}

async function depart(response: Response): Promise<Departure> {
  const { body, cookies } = await readAnswer(response, unable)
  return { url: Redirect.parse(body).url, cookies }
}

function unable(): CatwalkError {
  return new CatwalkError('internal', 'The provider could not be asked.')
}

/** Undoes, by throwing, what would leave somebody without a way to sign in. @throws CatwalkError `last_way_in` */
export async function requireWayIn(tx: Handle, userId: string): Promise<void> {
  const account = await tx
    .selectFrom('accounts')
    .select('id')
    .where('user_id', '=', userId)
    .where((where) => where.or([where('provider_id', '<>', 'credential'), where('password', 'is not', null)]))
    .executeTakeFirst()
  if (account !== undefined) return
  const passkey = await tx
    .selectFrom('passkeys')
    .select('id')
    .where('user_id', '=', userId)
    .executeTakeFirst()
  if (passkey !== undefined) return
  throw new CatwalkError('last_way_in', 'There would be no way left to sign in.')
}
