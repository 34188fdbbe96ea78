import { sql } from 'kysely'
import type { Handle } from '../db/index.ts'

/** Longer than any code counts: its own 30 seconds, and those beside them for clocks that differ. */
const KEPT = sql<Date>`now() - interval '5 minutes'`

/**
 * Takes a one-time code for a first and only use, over all replicas; false when it was taken before. It is taken before
 * it is looked at, so that of two who show it at the same moment one is let in.
 */
export async function takeCode(db: Handle, userId: string, code: string): Promise<boolean> {
  const { rows } = await sql`
    insert into used_codes as u (user_id, code) values (${userId}, ${code})
    on conflict (user_id, code) do update set used_at = now() where u.used_at < ${KEPT}
    returning 1`.execute(db)
  return rows.length > 0
}

/** Gives back what turned out to be no code: it may be the right one a minute later. */
export async function giveBackCode(db: Handle, userId: string, code: string): Promise<void> {
  await db.deleteFrom('used_codes').where('user_id', '=', userId).where('code', '=', code).execute()
}

export async function deleteExpiredCodes(db: Handle): Promise<void> {
  await db.deleteFrom('used_codes').where('used_at', '<', KEPT).execute()
}
