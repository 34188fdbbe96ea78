// Writes src/db/schema.gen.ts from a migrated database, so that the table types cannot drift from the migrations.
import { readFile, writeFile } from 'node:fs/promises'
import { format, resolveConfig } from 'prettier'
import { sql, type Kysely } from 'kysely'
import type { DB } from '../src/db/index.ts'
import { openTemporaryDatabase } from './lib/temporary-database.ts'

const OUTPUT = new URL('../src/db/schema.gen.ts', import.meta.url)

/** Types of documents that a migration cannot state. A `jsonb` column that is not named here is a JsonValue. */
const DOCUMENTS: Readonly<Record<string, string>> = {
  'analyses.result': 'Analysis',
  'releases.launch_spec': 'LaunchSpec',
  'releases.settings': 'ReleaseSettings',
  'releases.credential_versions': 'Readonly<Record<string, number>>',
  'releases.manifest': 'Manifest',
  'releases.seen_manifest': 'Manifest',
  'releases.error': 'JsonObject',
  'events.data': 'JsonObject',
  'updates.base': 'LaunchPackage',
  'updates.candidate': 'LaunchPackage',
  'updates.trial': 'UpdateTrial',
  'audit_entries.detail': 'JsonObject',
  'registry_servers.document': 'RegistryDocument',
}

/**
 * PostgreSQL type to TypeScript type, as the driver reads and writes it without further set-up. A bigint is text: it
 * is an id, a cursor or an epoch, and no value is lost.
 */
const SCALARS: Readonly<Record<string, string>> = {
  text: 'string',
  varchar: 'string',
  uuid: 'string',
  bool: 'boolean',
  int2: 'number',
  int4: 'number',
  int8: 'string',
  float4: 'number',
  float8: 'number',
  numeric: 'string',
  bytea: 'Buffer',
  timestamptz: 'Timestamp',
  tsvector: 'string',
}

interface Column {
  readonly table: string
  readonly name: string
  readonly type: string
  readonly nullable: boolean
  readonly defaulted: boolean
  readonly generated: boolean
  /** Definition of a CHECK constraint on this column alone, or null. */
  readonly check: string | null
}

async function readColumns(db: Kysely<DB>): Promise<Column[]> {
  const result = await sql<Column>`
    select c.relname as "table", a.attname as name, t.typname as type, not a.attnotnull as nullable,
      (d.oid is not null or a.attidentity <> '') as defaulted,
      (a.attidentity = 'a' or a.attgenerated <> '') as generated,
      (select pg_get_constraintdef(k.oid) from pg_constraint k
        where k.conrelid = c.oid and k.contype = 'c' and k.conkey = array[a.attnum]
          and pg_get_constraintdef(k.oid) like '% = ANY %' limit 1) as "check"
    from pg_attribute a
      join pg_class c on c.oid = a.attrelid
      join pg_type t on t.oid = a.atttypid
      left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v')
      and a.attnum > 0 and not a.attisdropped and c.relname <> 'schema_migrations'
    order by c.relname collate "C", a.attnum`.execute(db)
  return result.rows
}

/** The allowed values of `check (column in ('a', 'b'))` as a union, or null when the check says something else. */
export function unionOfCheck(definition: string): string | null {
  const list = /^CHECK \(\("?\w+"? = ANY \(ARRAY\[(.*)\]\)\)\)$/.exec(definition)?.[1]
  if (list === undefined) return null
  const values = [...list.matchAll(/'((?:[^']|'')*)'::text/g)].map((match) => match[1] ?? '')
  return values.map((value) => `'${value.replaceAll("''", "\\'")}'`).join(' | ')
}

function typeOf(column: Column): string {
  if (column.type === 'jsonb' || column.type === 'json') {
    const document = DOCUMENTS[`${column.table}.${column.name}`] ?? 'JsonValue'
    return `Jsonb<${document}>${column.nullable ? ' | null' : ''}`
  }
  const union = column.check === null ? null : unionOfCheck(column.check)
  const array = column.type.startsWith('_')
  const scalar = SCALARS[array ? column.type.slice(1) : column.type]
  if (scalar === undefined)
    throw new Error(`${column.table}.${column.name}: no TypeScript type for ${column.type}`)
  const type = union ?? (array ? `readonly ${scalar}[]` : scalar)
  return column.nullable ? `${type} | null` : type
}

function columnSource(column: Column): string {
  const type = typeOf(column)
  if (column.generated) return `  ${quotedKey(column.name)}: GeneratedAlways<${type}>`
  return `  ${quotedKey(column.name)}: ${column.defaulted ? `Defaulted<${type}>` : type}`
}

function quotedKey(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : JSON.stringify(name)
}

/** `endpoint_tokens` becomes `EndpointTokensTable`. */
function interfaceName(table: string): string {
  const words = table.split(/[^A-Za-z0-9]+/).filter((word) => word !== '')
  return `${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')}Table`
}

/** The whole file, unformatted. */
export function schemaSource(columns: readonly Column[]): string {
  const tables = Map.groupBy(columns, (column) => column.table)
  const interfaces = [...tables].map(
    ([table, of]) => `export interface ${interfaceName(table)} {\n${of.map(columnSource).join('\n')}\n}\n`,
  )
  const body = [
    ...interfaces,
    `export interface DB {\n${[...tables.keys()].map((table) => `  ${quotedKey(table)}: ${interfaceName(table)}`).join('\n')}\n}\n`,
  ].join('\n')
  return `// Made by scripts/generate-db-types.ts from the migrations. Do not edit; run \`npm run generate\`.
${importLine(body, ['GeneratedAlways'], 'kysely')}${importLine(body, ['Analysis', 'JsonObject', 'JsonValue', 'LaunchPackage', 'LaunchSpec', 'Manifest', 'RegistryDocument', 'ReleaseSettings', 'UpdateTrial'], '../domain/index.ts')}${importLine(body, ['Defaulted', 'Jsonb', 'Timestamp'], './column-types.ts')}
${body}`
}

function importLine(body: string, names: readonly string[], from: string): string {
  const used = names.filter((name) => new RegExp(`\\b${name}\\b`).test(body))
  return used.length === 0 ? '' : `import type { ${used.join(', ')} } from '${from}'\n`
}

/** Generates or, with `check`, compares. @returns whether the file was as it should be */
export async function generateDatabaseTypes(options: { check: boolean }): Promise<boolean> {
  await using database = await openTemporaryDatabase()
  const file = OUTPUT.pathname
  const source = schemaSource(await readColumns(database.kysely))
  const wanted = await format(source, { ...(await resolveConfig(file)), filepath: file })
  const found = await readFile(OUTPUT, 'utf8').catch(() => '')
  if (found === wanted) return true
  if (!options.check) await writeFile(OUTPUT, wanted)
  return false
}
