import { sql } from 'kysely'
import type { TokenScope } from '../../domain/index.ts'
import type { Handle } from './handle.ts'

export interface EndpointTokenRow {
  readonly id: string
  readonly name: string
  readonly scope: TokenScope
  readonly prefix: string
  readonly created_at: Date
  readonly expires_at: Date | null
  readonly last_used_at: Date | null
  /** What it may at most; null is as every token. */
  readonly calls_per_minute: number | null
  readonly concurrent_calls: number | null
  /** Id of the token that replaces it; it works on until it expires. */
  readonly replaced_by: string | null
}

const COLUMNS = [
  'id',
  'name',
  'scope',
  'prefix',
  'created_at',
  'expires_at',
  'last_used_at',
  'calls_per_minute',
  'concurrent_calls',
  'replaced_by',
] as const

/** Stores a token's hash; the token itself is nowhere. */
export async function insertEndpointToken(
  db: Handle,
  row: {
    readonly id: string
    readonly workspace_id: string
    readonly deployment_id: string
    readonly name: string
    readonly scope: TokenScope
    readonly hash: Buffer
    readonly prefix: string
    readonly expires_at: Date | null
    /** For whom it calls where everybody brings their own credentials. */
    readonly user_id: string | null
    readonly calls_per_minute?: number | null
    readonly concurrent_calls?: number | null
  },
): Promise<EndpointTokenRow> {
  return db.insertInto('endpoint_tokens').values(row).returning(COLUMNS).executeTakeFirstOrThrow()
}

/** Endpoint tokens of a deployment, oldest first. */
export async function listEndpointTokens(
  db: Handle,
  deploymentId: string,
): Promise<readonly EndpointTokenRow[]> {
  return db
    .selectFrom('endpoint_tokens')
    .select(COLUMNS)
    .where('deployment_id', '=', deploymentId)
    .orderBy('id')
    .execute()
}

/** A token by id or name, locked; null when there is none, or when it was replaced already. */
export async function findEndpointToken(
  db: Handle,
  deploymentId: string,
  idOrName: string,
): Promise<EndpointTokenRow | null> {
  const row = await db
    .selectFrom('endpoint_tokens')
    .select(COLUMNS)
    .where('deployment_id', '=', deploymentId)
    .where('replaced_by', 'is', null)
    .where((where) => where.or([where('id', '=', idOrName), where('name', '=', idOrName)]))
    .orderBy('id')
    .forUpdate()
    .executeTakeFirst()
  return row ?? null
}

/** Changes what is named of a token that is locked. */
export async function changeEndpointToken(
  db: Handle,
  id: string,
  changes: {
    readonly name?: string
    readonly calls_per_minute?: number | null
    readonly concurrent_calls?: number | null
  },
): Promise<EndpointTokenRow> {
  return (
    db
      .updateTable('endpoint_tokens')
      // Something has to be set.
      .set({ id, ...changes })
      .where('id', '=', id)
      .returning(COLUMNS)
      .executeTakeFirstOrThrow()
  )
}

/** Lets a token end at `endsAt` unless it ends sooner, and notes which one replaces it. */
export async function replaceEndpointToken(
  db: Handle,
  id: string,
  replacement: string,
  endsAt: Date,
): Promise<void> {
  await sql`
    update endpoint_tokens set replaced_by = ${replacement}, expires_at = least(expires_at, ${endsAt})
    where id = ${id}`.execute(db)
}

/** Deletes what was replaced and has ended. */
export async function deleteReplacedTokens(db: Handle): Promise<void> {
  await sql`delete from endpoint_tokens where replaced_by is not null and expires_at < now()`.execute(db)
}

/** Deletes a token by id or name; returns its name, or null when there is none. */
export async function deleteEndpointToken(
  db: Handle,
  deploymentId: string,
  idOrName: string,
): Promise<string | null> {
  const row = await db
    .deleteFrom('endpoint_tokens')
    .where('deployment_id', '=', deploymentId)
    .where((where) => where.or([where('id', '=', idOrName), where('name', '=', idOrName)]))
    .returning('name')
    .executeTakeFirst()
  return row?.name ?? null
}

/** Records when tokens were last used, one statement for a whole batch. Times only move forward. */
export async function touchEndpointTokens(db: Handle, uses: ReadonlyMap<string, Date>): Promise<void> {
  if (uses.size === 0) return
  const ids = [...uses.keys()]
  const times = [...uses.values()]
  await sql`
    update endpoint_tokens t set last_used_at = greatest(t.last_used_at, u.at)
    from unnest(${ids}::text[], ${times}::timestamptz[]) as u (id, at)
    where t.id = u.id`.execute(db)
}
