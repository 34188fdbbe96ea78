import { queries, type Handle } from '../db/index.ts'
import { membershipOf } from './members.ts'

/** By what somebody proved who they are. */
export type WayIn = 'password' | 'code' | 'recovery_code' | 'passkey' | 'github' | 'google'

/** Writes a wrong password into the audit log of the account's workspace. Nothing for an account that does not exist. */
export async function recordRefusedSignIn(db: Handle, email: string, address: string | null): Promise<void> {
  const user = await db
    .selectFrom('users')
    .select('id')
    .where('email', '=', email.toLowerCase())
    .executeTakeFirst()
  if (user !== undefined) await recordRefusedSignInOf(db, user.id, address, { by: 'password' })
}

/** Writes a sign-in that was refused into the audit log of the account's workspace. */
export async function recordRefusedSignInOf(
  db: Handle,
  userId: string,
  address: string | null,
  { by }: { readonly by: WayIn },
): Promise<void> {
  await record(db, userId, address, 'session.create', { by }, 'refused')
}

/**
 * Writes a new session into the audit log of its workspace. Where a code is still to come there is no session yet,
 * whatever the library has made and takes back.
 */
export async function recordSignIn(
  db: Handle,
  userId: string,
  address: string | null,
  by: WayIn,
): Promise<void> {
  const isComplete = by === 'passkey' || by === 'code' || by === 'recovery_code'
  if (!isComplete && (await needsCode(db, userId))) return
  await record(db, userId, address, 'session.create', { by }, 'done')
}

/** Writes into the audit log that an account at a provider now signs somebody in. */
export async function recordLink(
  db: Handle,
  userId: string,
  provider: string,
  address: string | null,
): Promise<void> {
  await record(db, userId, address, 'account.link', { provider }, 'done')
}

async function needsCode(db: Handle, userId: string): Promise<boolean> {
  const user = await db
    .selectFrom('users')
    .select('two_factor_enabled')
    .where('id', '=', userId)
    .executeTakeFirst()
  return user?.two_factor_enabled === true
}

async function record(
  db: Handle,
  userId: string,
  address: string | null,
  action: string,
  detail: Readonly<Record<string, string>>,
  outcome: 'done' | 'refused',
): Promise<void> {
  const user = await db.selectFrom('users').select('email').where('id', '=', userId).executeTakeFirst()
  const member = user === undefined ? null : await membershipOf(db, userId)
  if (user === undefined || member === null) return
  await queries.recordAudit(db, {
    actor: { kind: 'user', id: userId, label: user.email, ...member, address },
    action,
    target: userId,
    detail,
    outcome,
  })
}
