import type { Client } from 'pg'

export interface Sum {
  readonly rows: number
  readonly md5: string
}

/** What a restore sets anew, because it is of programs that ran. */
const SET_ANEW: Readonly<Record<string, readonly string[]>> = {
  deployments: ['home_node', 'lease_holder', 'lease_expires_at', 'lease_epoch', 'next_at'],
}
/** What belongs to programs that run, or is a copy of something elsewhere: in no backup. */
const NOT_KEPT = ['nodes', 'instances', 'registry_servers', 'registry_sources', 'schema_migrations']

/** Rows and a hash of all that they hold, in any order, of each table that is kept. */
export async function sumsOf(client: Client): Promise<Readonly<Record<string, Sum>>> {
  const { rows: tables } = await client.query<{ name: string }>(
    `select table_name as name from information_schema.tables
     where table_schema = 'public' and table_type = 'BASE TABLE' and table_name <> all ($1) order by 1`,
    [NOT_KEPT],
  )
  const sums: Record<string, Sum> = {}
  for (const { name } of tables) {
    const table = client.escapeIdentifier(name)
    const anew = SET_ANEW[name]
    const row = anew === undefined ? 't::text' : `(to_jsonb(t) - '{${anew.join(',')}}'::text[])::text`
    const { rows } = await client.query<Sum>(
      `select count(*)::integer as rows, md5(coalesce(string_agg(hash, '' order by hash), '')) as md5
       from (select md5(${row}) as hash from ${table} t) hashes`,
    )
    if (rows[0] !== undefined) sums[name] = rows[0]
  }
  return sums
}

/** Rows that refer to something that is not there, by the name of the reference, and how many references there are. */
export async function brokenReferences(
  client: Client,
): Promise<{ readonly references: number; readonly broken: readonly string[] }> {
  const { rows } = await client.query<{
    name: string
    own: string
    other: string
    columns: string[]
    keys: string[]
    validated: boolean
  }>(
    `select c.conname as name, c.conrelid::regclass::text as own, c.confrelid::regclass::text as other,
       c.convalidated as validated,
       (select array_agg(quote_ident(a.attname) order by k.at) from unnest(c.conkey) with ordinality k (num, at)
        join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.num) as columns,
       (select array_agg(quote_ident(a.attname) order by k.at) from unnest(c.confkey) with ordinality k (num, at)
        join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.num) as keys
     from pg_constraint c where c.contype = 'f' and c.connamespace = 'public'::regnamespace`,
  )
  const broken: string[] = []
  for (const { name, own, other, columns, keys, validated } of rows) {
    const matches = columns.map((column, at) => `o.${keys[at] ?? ''} = t.${column}`).join(' and ')
    const isSet = columns.map((column) => `t.${column} is not null`).join(' and ')
    const found = await client.query(
      `select from ${own} t where ${isSet} and not exists (select from ${other} o where ${matches}) limit 1`,
    )
    if (!validated || found.rowCount !== 0) broken.push(name)
  }
  return { references: rows.length, broken }
}
