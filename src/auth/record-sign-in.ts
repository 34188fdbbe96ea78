import { queries, type Handle } from '../db/index.ts'
import { membershipOf } from './members.ts'

/** Writes a wrong password into the audit log of the account's workspace. Nothing for an account that does not exist. */
export async function recordRefusedSignIn(db: Handle, email: string, address: string | null): Promise<void> {
  const user = await db
    .selectFrom('users')
    .select(['id', 'email'])
    .where('email', '=', email.toLowerCase())
    .executeTakeFirst()
  const member = user === undefined ? null : await membershipOf(db, user.id)
  if (user === undefined || member === null) return
  await queries.recordAudit(db, {
    actor: { kind: 'user', id: user.id, label: user.email, ...member, address },
    action: 'session.create',
    target: user.id,
    outcome: 'refused',
  })
}

/** Writes a new session into the audit log of its workspace. */
export async function recordSignIn(db: Handle, userId: string, address: string | null): Promise<void> {
  const user = await db.selectFrom('users').select('email').where('id', '=', userId).executeTakeFirst()
  const member = await membershipOf(db, userId)
  if (user === undefined || member === null) return
  await queries.recordAudit(db, {
    actor: { kind: 'user', id: userId, label: user.email, ...member, address },
    action: 'session.create',
    target: userId,
  })
}
