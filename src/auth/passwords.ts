import { randomUUID } from 'node:crypto'
import { hashPassword } from 'better-auth/crypto'
import { sql, type Kysely } from 'kysely'
import { queries, type DB } from '../db/index.ts'
import { CatwalkError, quoted, type Actor } from '../domain/index.ts'
import { hashLinkToken, newLinkToken } from './link-tokens.ts'
import { membershipOf } from './members.ts'
import { prove } from './prove.ts'
import { endOtherSessions } from './sessions.ts'
import type { SignInGuard } from './sign-in-guard.ts'

const RESET_LIFETIME = sql<Date>`now() + interval '30 minutes'`

/**
 * Sets another password and ends all other sessions.
 * @param sessionId the one that asks, which goes on
 * @throws CatwalkError what `prove` throws
 */
export async function changePassword(
  { database, guard }: { readonly database: Kysely<DB>; readonly guard: SignInGuard },
  actor: Actor,
  sessionId: string | null,
  input: { readonly current?: string | undefined; readonly password: string },
): Promise<null> {
  await prove({ db: database, guard }, actor, sessionId, { password: input.current, field: 'current' })
  await setPassword(database, actor, sessionId, input.password, 'password.change')
  return null
}

/**
 * A link with which somebody sets a new password; the former one dies. For whoever runs the installation.
 * @throws CatwalkError `account_not_found`
 */
export async function issuePasswordReset(
  database: Kysely<DB>,
  actor: Actor,
  email: string,
): Promise<{ readonly token: string; readonly expiresAt: Date }> {
  const { token, hash } = newLinkToken()
  return database.transaction().execute(async (tx) => {
    const user = await tx
      .selectFrom('users')
      .select('id')
      .where('email', '=', email.toLowerCase())
      .executeTakeFirst()
    if (user === undefined) {
      throw new CatwalkError('account_not_found', `There is no account with the address ${quoted(email)}.`)
    }
    await tx.deleteFrom('verifications').where('value', '=', resetValue(user.id)).execute()
    const { expires_at: expiresAt } = await tx
      .insertInto('verifications')
      .values({
        id: hash.toString('hex'),
        identifier: `password-reset:${hash.toString('hex')}`,
        value: resetValue(user.id),
        expires_at: RESET_LIFETIME,
      })
      .returning('expires_at')
      .executeTakeFirstOrThrow()
    await queries.recordAudit(tx, { actor, action: 'password_reset.create', target: user.id })
    return { token, expiresAt }
  })
}

/** Sets a password by a link, which is used up, and ends all sessions. @throws CatwalkError `reset_link_invalid` */
export async function redeemPasswordReset(
  database: Kysely<DB>,
  input: { readonly token: string; readonly password: string },
  address: string | null,
): Promise<null> {
  const id = hashLinkToken(input.token).toString('hex')
  const row = await database
    .deleteFrom('verifications')
    .where('id', '=', id)
    .where('expires_at', '>', sql<Date>`now()`)
    .returning('value')
    .executeTakeFirst()
  const userId = row === undefined ? null : /^password-reset (\w+)$/.exec(row.value)?.[1]
  const user =
    userId === undefined || userId === null
      ? undefined
      : await database.selectFrom('users').select(['id', 'email']).where('id', '=', userId).executeTakeFirst()
  const member = user === undefined ? null : await membershipOf(database, user.id)
  if (user === undefined || member === null) {
    throw new CatwalkError('reset_link_invalid', 'This link was used or has expired.')
  }
  const actor: Actor = { kind: 'user', id: user.id, label: user.email, ...member, address }
  await setPassword(database, actor, null, input.password, 'password.reset')
  return null
}

async function setPassword(
  database: Kysely<DB>,
  actor: Actor,
  keptSession: string | null,
  password: string,
  action: string,
): Promise<void> {
  const hash = await hashPassword(password)
  await database.transaction().execute(async (tx) => {
    await tx
      .insertInto('accounts')
      .values({
        id: randomUUID(),
        user_id: actor.id,
        provider_id: 'credential',
        account_id: actor.id,
        password: hash,
      })
      .onConflict((conflict) =>
        conflict
          .columns(['provider_id', 'account_id'])
          .doUpdateSet({ password: hash, updated_at: sql<Date>`now()` }),
      )
      .execute()
    await endOtherSessions(tx, actor.id, keptSession)
    await queries.recordAudit(tx, { actor, action, target: actor.id })
  })
}

function resetValue(userId: string): string {
  return `password-reset ${userId}`
}
