import { verifyPassword } from 'better-auth/crypto'
import { sql } from 'kysely'
import type { Handle } from '../db/index.ts'
import { CatwalkError, type Actor } from '../domain/index.ts'
import type { SignInGuard } from './sign-in-guard.ts'

/** How a person proves that it is still them: by the password, or by having signed in just now where there is none. */
export interface Proof {
  readonly password?: string | undefined
  /** Name of the field that it was entered in, for the error. */
  readonly field?: string
}

const FRESH = sql<Date>`now() - interval '10 minutes'`

/**
 * For what would let somebody at an open browser take the account over.
 * @throws CatwalkError `forbidden` for an API key, `invalid_credentials`, `rate_limited`, `reauthentication_needed`
 */
export async function prove(
  { db, guard }: { readonly db: Handle; readonly guard: SignInGuard },
  actor: Actor,
  sessionId: string | null,
  { password, field = 'password' }: Proof,
): Promise<void> {
  requirePerson(actor, sessionId)
  const stored = await passwordOf(db, actor.id)
  if (stored === null) return requireFreshSession(db, sessionId)
  // Under its own name, so that a forgotten tab cannot slow down signing in.
  const account = `proof ${actor.id}`
  requireNoWait(await guard.attempt(account, actor.address, () => Promise.resolve(false)))
  if (password !== undefined && (await verifyPassword({ hash: stored, password }))) {
    await guard.succeeded(account, actor.address)
    return
  }
  throw new CatwalkError('invalid_credentials', 'The current password is wrong.', {
    details: { field },
  })
}

/** @throws CatwalkError `forbidden` for an API key, which has no way of signing in of its own */
export function requirePerson(actor: Actor, sessionId: string | null): asserts sessionId is string {
  if (actor.kind === 'user' && sessionId !== null) return
  throw new CatwalkError('forbidden', 'An API key has no way of signing in to change.', {
    help: 'Sign in to the dashboard and do it there.',
  })
}

/** @throws CatwalkError `rate_limited` */
export function requireNoWait(waitMs: number): void {
  if (waitMs === 0) return
  const retryAfterS = Math.ceil(waitMs / 1000)
  throw new CatwalkError('rate_limited', `Too many wrong attempts. Try again in ${retryAfterS} s.`, {
    details: { retryAfterS },
  })
}

/** The hash of somebody's password; null for whoever signs in by other means only. */
async function passwordOf(db: Handle, userId: string): Promise<string | null> {
  const row = await db
    .selectFrom('accounts')
    .select('password')
    .where('user_id', '=', userId)
    .where('provider_id', '=', 'credential')
    .executeTakeFirst()
  return row?.password ?? null
}

export async function hasPassword(db: Handle, userId: string): Promise<boolean> {
  return (await passwordOf(db, userId)) !== null
}

export async function isEmailVerified(db: Handle, userId: string): Promise<boolean> {
  const user = await db
    .selectFrom('users')
    .select('email_verified')
    .where('id', '=', userId)
    .executeTakeFirst()
  return user?.email_verified === true
}

async function requireFreshSession(db: Handle, sessionId: string): Promise<void> {
  const fresh = await db
    .selectFrom('sessions')
    .select('id')
    .where('id', '=', sessionId)
    .where('created_at', '>', FRESH)
    .executeTakeFirst()
  if (fresh !== undefined) return
  throw new CatwalkError('reauthentication_needed', 'You signed in too long ago for this.')
}
