import { sql } from 'kysely'
import type { Handle } from './handle.ts'

/** Tables with an encrypted value a row: columns `id`, `token` (a Fernet token) and `key_id`. */
export const SEALED_TABLES = [
  'credentials',
  'personal_credentials',
  'workspace_settings',
  'account_providers',
  'connected_accounts',
  'account_revocations',
  'notice_channels',
] as const

export type SealedTable = (typeof SEALED_TABLES)[number]

export interface SealedRow {
  readonly id: string
  readonly token: string
  readonly key_id: string
}

/** How many values are encrypted under each key, in all tables and in settings that hold `{keyId, token}`. */
export async function countSealedByKey(db: Handle): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ key_id: string; count: number }>`
    select key_id, sum(count)::int4 as count from (
      ${sql.join(
        SEALED_TABLES.map((table) => sql`select key_id, count(*) from ${sql.table(table)} group by key_id`),
        sql` union all `,
      )}
      union all
      select value ->> 'keyId', count(*) from settings
      where jsonb_typeof(value) = 'object' and value ? 'keyId' and value ? 'token' and key <> 'vault.key_check'
      group by 1
    ) as sealed group by key_id`.execute(db)
  return new Map(rows.map(({ key_id: keyId, count }) => [keyId, count]))
}

/** Locks rows that are not under this key, in the order of their ids; those that somebody else holds are left out. */
export async function lockSealedUnderOthers(
  db: Handle,
  table: SealedTable,
  keyId: string,
  afterId: string,
  limit: number,
): Promise<readonly SealedRow[]> {
  const { rows } = await sql<SealedRow>`
    select id, token, key_id from ${sql.table(table)}
    where key_id <> ${keyId} and id > ${afterId}
    order by id limit ${limit} for update skip locked`.execute(db)
  return rows
}

/** Rows in the order of their ids, whatever key they are under. */
export async function listSealed(
  db: Handle,
  table: SealedTable,
  afterId: string,
  limit: number,
): Promise<readonly SealedRow[]> {
  const { rows } = await sql<SealedRow>`
    select id, token, key_id from ${sql.table(table)} where id > ${afterId} order by id limit ${limit}`.execute(
    db,
  )
  return rows
}

/** Replaces the ciphertexts of rows that are locked. */
export async function replaceSealed(
  db: Handle,
  table: SealedTable,
  rows: readonly SealedRow[],
): Promise<void> {
  if (rows.length === 0) return
  await sql`
    update ${sql.table(table)} t set token = n.token, key_id = n.key_id
    from unnest(${rows.map(({ id }) => id)}::text[], ${rows.map(({ token }) => token)}::text[],
      ${rows.map(({ key_id: keyId }) => keyId)}::text[]) as n (id, token, key_id)
    where t.id = n.id`.execute(db)
}

/** Names of settings that hold an encrypted value under another key than this, locked. */
export async function lockSealedSettings(db: Handle, keyId: string): Promise<readonly SealedRow[]> {
  const { rows } = await sql<SealedRow>`
    select key as id, value ->> 'token' as token, value ->> 'keyId' as key_id from settings
    where jsonb_typeof(value) = 'object' and value ? 'keyId' and value ? 'token' and key <> 'vault.key_check'
      and value ->> 'keyId' <> ${keyId}
    for update`.execute(db)
  return rows
}
