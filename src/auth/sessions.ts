import { sql, type Kysely } from 'kysely'
import { queries, type DB, type Handle } from '../db/index.ts'
import { CatwalkError, quoted, type Actor } from '../domain/index.ts'

export interface Session {
  readonly id: string
  readonly address: string | null
  readonly userAgent: string | null
  readonly createdAt: Date
  readonly expiresAt: Date
}

/** Where somebody is signed in, newest first. */
export async function listSessions(db: Handle, userId: string): Promise<readonly Session[]> {
  const rows = await db
    .selectFrom('sessions')
    .select(['id', 'ip_address', 'user_agent', 'created_at', 'expires_at'])
    .where('user_id', '=', userId)
    .where('expires_at', '>', sql<Date>`now()`)
    .orderBy('created_at', 'desc')
    .limit(100)
    .execute()
  return rows.map((row) => ({
    id: row.id,
    address: row.ip_address,
    userAgent: row.user_agent,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  }))
}

/** Ends one of the actor's own sessions. @throws CatwalkError `session_not_found` */
export async function revokeSession(database: Kysely<DB>, actor: Actor, id: string): Promise<null> {
  return database.transaction().execute(async (tx) => {
    const row = await tx
      .deleteFrom('sessions')
      .where('user_id', '=', actor.id)
      .where('id', '=', id)
      .returning('id')
      .executeTakeFirst()
    if (row === undefined) throw new CatwalkError('session_not_found', `There is no session ${quoted(id)}.`)
    await queries.recordAudit(tx, { actor, action: 'session.revoke', target: id })
    return null
  })
}

/** Ends all of somebody's sessions but one. */
export async function endOtherSessions(db: Handle, userId: string, kept: string | null): Promise<void> {
  let query = db.deleteFrom('sessions').where('user_id', '=', userId)
  if (kept !== null) query = query.where('id', '<>', kept)
  await query.execute()
}
