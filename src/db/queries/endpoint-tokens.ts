import { sql } from 'kysely'
import type { Handle } from './handle.ts'

export interface EndpointTokenRow {
  readonly id: string
  readonly name: string
  readonly prefix: string
  readonly created_at: Date
  readonly expires_at: Date | null
  readonly last_used_at: Date | null
}

const COLUMNS = ['id', 'name', 'prefix', 'created_at', 'expires_at', 'last_used_at'] as const

/** Stores a token's hash; the token itself is nowhere. */
export async function insertEndpointToken(
  db: Handle,
  row: {
    readonly id: string
    readonly workspace_id: string
    readonly deployment_id: string
    readonly name: string
    readonly hash: Buffer
    readonly prefix: string
    readonly expires_at: Date | null
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
