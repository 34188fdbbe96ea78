import type { Client } from 'pg'

/** What belongs to programs that run, or is only a copy of something elsewhere. A restored one begins without any. */
const NOT_KEPT = ['nodes', 'instances', 'registry_servers', 'registry_sources', 'schema_migrations']

export interface Table {
  readonly name: string
  readonly columns: readonly string[]
}

/** The tables that a backup holds, with the columns that are stored. */
export async function listTables(client: Client): Promise<readonly Table[]> {
  const { rows } = await client.query<{ name: string; columns: string[] }>(
    `select c.relname as name, array_agg(a.attname::text order by a.attnum) as columns
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' and c.relname <> all ($1)
    group by c.relname order by c.relname`,
    [NOT_KEPT],
  )
  return rows
}

/** Names of the migrations that were applied, in order. */
export async function appliedMigrations(client: Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>('select name from schema_migrations order by name')
  return rows.map(({ name }) => name)
}

export interface Sequence {
  readonly value: string
  readonly isCalled: boolean
}

/** Where each sequence stands, by name. */
export async function listSequences(client: Client): Promise<ReadonlyMap<string, Sequence>> {
  const { rows: names } = await client.query<{ name: string }>(
    `select relname as name from pg_class
    where relnamespace = current_schema()::regnamespace and relkind = 'S' order by relname`,
  )
  const sequences = new Map<string, Sequence>()
  for (const { name } of names) {
    const { rows } = await client.query<{ value: string; is_called: boolean }>(
      `select last_value::text as value, is_called from ${client.escapeIdentifier(name)}`,
    )
    const [row] = rows
    if (row !== undefined) sequences.set(name, { value: row.value, isCalled: row.is_called })
  }
  return sequences
}
