import type { Kysely } from 'kysely'
import { z } from 'zod'
import { queries, type DB } from '../db/index.ts'
import { CatwalkError, quoted, type Actor } from '../domain/index.ts'
import { cookieOf, readAnswer } from './ask-library.ts'
import { ADDRESS_HEADER, type Library } from './library.ts'
import { requireWayIn } from './linked-accounts.ts'
import { prove, requirePerson, type Proof } from './prove.ts'
import type { SignInGuard } from './sign-in-guard.ts'

export interface Passkey {
  readonly id: string
  readonly name: string
  /** Whether it is kept by a service that copies it to other devices. */
  readonly isSynced: boolean
  readonly createdAt: Date | null
}

/** Options for `navigator.credentials`, as WebAuthn writes them in JSON, and cookies that go with them. */
export interface Ceremony {
  readonly options: Readonly<Record<string, unknown>>
  readonly cookies: readonly string[]
}

export interface Passkeys {
  list(userId: string): Promise<readonly Passkey[]>
  startAdding(actor: Actor, sessionId: string | null, headers: Headers, proof: Proof): Promise<Ceremony>
  /** @throws CatwalkError `passkey_refused` */
  add(
    actor: Actor,
    sessionId: string | null,
    headers: Headers,
    input: { readonly name: string; readonly response: Readonly<Record<string, unknown>> },
  ): Promise<readonly Passkey[]>
  /** @throws CatwalkError `passkey_not_found`, `last_way_in` */
  remove(actor: Actor, id: string): Promise<null>
  startSignIn(): Promise<Ceremony>
  /** Opens a session; returns its cookies. @throws CatwalkError `passkey_refused` */
  signIn(
    headers: Headers,
    address: string | null,
    response: Readonly<Record<string, unknown>>,
  ): Promise<readonly string[]>
}

type Assertion = NonNullable<Parameters<Library['api']['verifyPasskeyAuthentication']>[0]>['body']['response']

const Options = z.record(z.string(), z.unknown())

export function createPasskeys(library: Library, database: Kysely<DB>, guard: SignInGuard): Passkeys {
  async function list(userId: string): Promise<readonly Passkey[]> {
    const rows = await database
      .selectFrom('passkeys')
      .select(['id', 'name', 'backed_up', 'created_at'])
      .where('user_id', '=', userId)
      .orderBy('created_at')
      .orderBy('id')
      .execute()
    return rows.map((row) => ({
      id: row.id,
      name: row.name ?? 'Passkey',
      isSynced: row.backed_up,
      createdAt: row.created_at,
    }))
  }

  return {
    list,
    async startAdding(actor, sessionId, headers, proof) {
      await prove({ db: database, guard }, actor, sessionId, proof)
      const response = await library.api.generatePasskeyRegistrationOptions({
        query: {},
        headers: cookieOf(headers),
        asResponse: true,
      })
      const { body, cookies } = await readAnswer(response, refused)
      return { options: Options.parse(body), cookies }
    },
    async add(actor, sessionId, headers, { name, response: credential }) {
      requirePerson(actor, sessionId)
      const response = await library.api.verifyPasskeyRegistration({
        body: { name, response: credential },
        headers: cookieOf(headers),
        asResponse: true,
      })
      await readAnswer(response, refused)
      await queries.recordAudit(database, {
        actor,
        action: 'passkey.create',
        target: actor.id,
        detail: { name },
      })
      return list(actor.id)
    },
    async remove(actor, id) {
      if (actor.kind !== 'user') throw new CatwalkError('forbidden', 'An API key has no passkeys.')
      return database.transaction().execute(async (tx) => {
        await tx.selectFrom('users').select('id').where('id', '=', actor.id).forUpdate().execute()
        const row = await tx
          .deleteFrom('passkeys')
          .where('user_id', '=', actor.id)
          .where('id', '=', id)
          .returning('name')
          .executeTakeFirst()
        if (row === undefined) {
          throw new CatwalkError('passkey_not_found', `You have no passkey ${quoted(id)}.`)
        }
        await requireWayIn(tx, actor.id)
        await queries.recordAudit(tx, {
          actor,
          action: 'passkey.remove',
          target: id,
          detail: { name: row.name ?? '' },
        })
        return null
      })
    },
    async startSignIn() {
      const response = await library.api.generatePasskeyAuthenticationOptions({
        headers: new Headers(),
        asResponse: true,
      })
      const { body, cookies } = await readAnswer(response, refused)
      return { options: { ...Options.parse(body), userVerification: 'required' }, cookies }
    },
    async signIn(headers, address, credential) {
      const about = cookieOf(headers)
      about.set('user-agent', (headers.get('user-agent') ?? '').slice(0, 300))
      if (address !== null) about.set(ADDRESS_HEADER, address)
      const response = await library.api.verifyPasskeyAuthentication({
        // The library takes anything and checks it; its type says what passes.
        body: { response: credential as unknown as Assertion },
        headers: about,
        asResponse: true,
      })
      return (await readAnswer(response, refused)).cookies
    },
  }
}

function refused(): CatwalkError {
  return new CatwalkError(
    'passkey_refused',
    'This passkey is not one of an account here, or it took too long.',
  )
}
