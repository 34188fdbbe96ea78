import { sql } from 'kysely'
import type { SessionNote } from '../../domain/index.ts'
import { CHANNEL } from './announce.ts'
import type { Handle } from './handle.ts'

/** Remembers that a session was ended and tells every replica. */
export async function endMcpSession(
  db: Handle,
  deploymentId: string,
  id: string,
  expiresAt: Date,
): Promise<void> {
  await sql`
    with remembered as (
      insert into mcp_sessions (deployment_id, id, ended, expires_at)
      select d.id, ${id}, true, ${expiresAt} from deployments d where d.id = ${deploymentId}
      on conflict (deployment_id, id) do update set ended = true, level = null, subscriptions = '{}'
    )
    select pg_notify(${CHANNEL}, ${`session:${deploymentId}:${id}:${expiresAt.getTime()}`})`.execute(db)
}

/** Keeps what the client of a session asked for, unless it was ended. */
export async function keepMcpSession(
  db: Handle,
  deploymentId: string,
  id: string,
  note: SessionNote,
  expiresAt: Date,
): Promise<void> {
  await sql`
    insert into mcp_sessions as s (deployment_id, id, level, subscriptions, expires_at)
    select d.id, ${id}, ${note.level}, ${note.subscriptions}::text[], ${expiresAt}
    from deployments d where d.id = ${deploymentId}
    on conflict (deployment_id, id) do update
      set level = excluded.level, subscriptions = excluded.subscriptions where not s.ended`.execute(db)
}

/** What was kept of a session, null when nothing was. */
export async function findMcpSession(
  db: Handle,
  deploymentId: string,
  id: string,
): Promise<SessionNote | null> {
  const row = await db
    .selectFrom('mcp_sessions')
    .select(['level', 'subscriptions'])
    .where('deployment_id', '=', deploymentId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row ?? null
}

/** The sessions of a deployment that were ended and whose tokens have not expired. */
export async function endedMcpSessions(
  db: Handle,
  deploymentId: string,
): Promise<readonly { readonly id: string; readonly expires_at: Date }[]> {
  return db
    .selectFrom('mcp_sessions')
    .select(['id', 'expires_at'])
    .where('deployment_id', '=', deploymentId)
    .where('ended', '=', true)
    .where('expires_at', '>', sql<Date>`now()`)
    .execute()
}

/** Deletes what is about expired tokens. */
export async function deleteExpiredMcpSessions(db: Handle): Promise<void> {
  await db
    .deleteFrom('mcp_sessions')
    .where('expires_at', '<=', sql<Date>`now()`)
    .execute()
}
