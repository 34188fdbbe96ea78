import { queries, type Handle } from '../db/index.ts'
import { membershipOf } from './members.ts'

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
