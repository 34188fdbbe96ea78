import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import type { Client } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { CatwalkError } from '../../domain/index.ts'
import {
  createTally,
  END_OF_ROWS,
  Header,
  invalid,
  readLine,
  report,
  Summary,
  TableStart,
  type BackupReport,
} from './format.ts'
import { readLines } from './lines.ts'
import { appliedMigrations, listTables, type Table } from './tables.ts'

/** Rows travel in pieces of about this size. */
const PIECE_BYTES = 65_536

export interface ReadBackupOptions {
  /** Makes the schema that the backup was taken from, unless it is there. */
  readonly prepare: (migrations: readonly string[]) => Promise<void>
  readonly signal: AbortSignal
}

/**
 * Fills an empty database from a backup, in one transaction: all of it, or nothing.
 * @throws CatwalkError `backup_invalid` for a file that is damaged or none, `restore_not_empty`, and what `prepare` throws
 */
export async function readBackup(
  client: Client,
  input: Readable,
  { prepare, signal }: ReadBackupOptions,
): Promise<BackupReport> {
  const gunzip = createGunzip()
  const unpacked = pipeline(input, gunzip, { signal })
  // Seen by whoever reads the lines.
  unpacked.catch(() => undefined)
  const lines = readLines(gunzip as AsyncIterable<Buffer>)
  try {
    const header = readLine(Header, await next(lines))
    await prepare(header.migrations)
    await client.query('begin')
    try {
      const summary = await fill(client, header, lines)
      await client.query('commit')
      return report(header, summary)
    } catch (error) {
      await client.query('rollback')
      throw error
    }
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof CatwalkError ? error : invalid('It is damaged, or no backup of Catwalk.', error)
  } finally {
    await lines.return(undefined)
    gunzip.destroy()
    input.destroy()
  }
}

async function fill(client: Client, header: Header, lines: AsyncGenerator<Buffer>): Promise<Summary> {
  const applied = await appliedMigrations(client)
  if (applied.join() !== [...header.migrations].toSorted().join()) {
    throw new CatwalkError(
      'restore_not_empty',
      'The database was set up by another version than the backup.',
      {
        help: 'Restore into a database, or a data directory, that was never used.',
      },
    )
  }
  const tables = new Map((await listTables(client)).map((table) => [table.name, table]))
  await requireEmpty(client)
  const references = await dropReferences(client)
  // Calls come before the deployments without which they would be dropped.
  await client.query('alter table calls disable trigger user')
  for (const { name } of tables.values()) await client.query(`delete from ${client.escapeIdentifier(name)}`)
  const summary = await readTables(client, tables, lines)
  await client.query(
    `update deployments set home_node = null, lease_holder = null, lease_expires_at = null, lease_epoch = lease_epoch + 1, next_at = now()`,
  )
  for (const [name, { value, isCalled }] of Object.entries(summary.sequences)) {
    await client.query('select setval($1::regclass, $2, $3)', [
      client.escapeIdentifier(name),
      value,
      isCalled,
    ])
  }
  for (const statement of references) await client.query(statement)
  await client.query('alter table calls enable trigger user')
  return summary
}

/** @throws CatwalkError `restore_not_empty` */
async function requireEmpty(client: Client): Promise<void> {
  const { rows } = await client.query<{ used: boolean }>(
    `select exists (select from users) or exists (select from deployments) as used`,
  )
  if (rows[0]?.used !== true) return
  throw new CatwalkError('restore_not_empty', 'The database has accounts or deployments already.', {
    help: 'Restore into a database, or a data directory, that was never used. Nothing was changed.',
  })
}

/** Tables refer to one another in circles, so references are taken away and checked again when all rows are there. */
async function dropReferences(client: Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ table: string; name: string; definition: string }>(
    `select conrelid::regclass::text as "table", conname as name, pg_get_constraintdef(oid) as definition
    from pg_constraint where contype = 'f' and connamespace = current_schema()::regnamespace`,
  )
  for (const { table, name } of rows) {
    await client.query(`alter table ${table} drop constraint ${client.escapeIdentifier(name)}`)
  }
  return rows.map(
    ({ table, name, definition }) =>
      `alter table ${table} add constraint ${client.escapeIdentifier(name)} ${definition}`,
  )
}

async function readTables(
  client: Client,
  tables: ReadonlyMap<string, Table>,
  lines: AsyncGenerator<Buffer>,
): Promise<Summary> {
  const found: Summary['tables'] = {}
  for (;;) {
    const line = await next(lines)
    const start = TableStart.safeParse(line === null ? null : parse(line))
    if (!start.success) {
      const summary = readLine(Summary, line)
      if (JSON.stringify(summary.tables) !== JSON.stringify(found)) {
        throw invalid('It is damaged: its rows are not those that were written.')
      }
      return summary
    }
    const { table: name, columns } = start.data
    const table = tables.get(name)
    if (table === undefined || columns.some((column) => !table.columns.includes(column))) {
      throw invalid('It has a table that this version of Catwalk does not know.')
    }
    found[name] = await readTable(client, { name, columns }, lines)
  }
}

async function readTable(
  client: Client,
  { name, columns }: Table,
  lines: AsyncGenerator<Buffer>,
): Promise<Summary['tables'][string]> {
  const tally = createTally()
  const list = columns.map((column) => client.escapeIdentifier(column)).join(', ')
  const rows = client.query(copyFrom(`copy ${client.escapeIdentifier(name)} (${list}) from stdin`))
  await pipeline(rowsOf(lines, tally), rows)
  return tally.result()
}

async function* rowsOf(
  lines: AsyncGenerator<Buffer>,
  tally: ReturnType<typeof createTally>,
): AsyncGenerator<Buffer> {
  const lineBreak = Buffer.from('\n')
  let piece: Buffer[] = []
  let length = 0
  for (;;) {
    const line = await next(lines)
    if (line === null) throw invalid('It ends too early.')
    const isEnd = line.length === END_OF_ROWS.length && line.toString() === END_OF_ROWS
    if (!isEnd) {
      piece.push(line, lineBreak)
      length += line.length + 1
    }
    if (piece.length > 0 && (isEnd || length >= PIECE_BYTES)) {
      const bytes = Buffer.concat(piece)
      tally.add(bytes, piece.length / 2)
      yield bytes
      piece = []
      length = 0
    }
    if (isEnd) return
  }
}

async function next(lines: AsyncGenerator<Buffer>): Promise<Buffer | null> {
  const result = await lines.next()
  return result.done === true ? null : result.value
}

function parse(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString())
  } catch {
    return null
  }
}
