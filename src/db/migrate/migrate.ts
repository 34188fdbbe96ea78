import { Client, type ClientConfig } from 'pg'
import { CatwalkError, orAborted, type Logger } from '../../domain/index.ts'
import { reasonOf } from '../connect.ts'
import type { Migration } from './files.ts'

// Any constant will do; it only has to be the same in every version of this program.
const MIGRATION_LOCK = 7_227_392_255
/** How long to wait while another program migrates the same database. */
const OTHER_PROGRAM_MS = 300_000
/** A change that cannot get its table in this time gives up, instead of holding up everyone who comes after it. */
const TABLE_LOCK_MS = 30_000

export interface MigrationState {
  readonly applied: readonly string[]
  readonly pending: readonly Migration[]
}

/**
 * What is applied and what is to be applied. Reads only.
 * @throws CatwalkError `database_newer`, `migration_failed`
 */
export async function migrationState(
  config: ClientConfig,
  migrations: readonly Migration[],
  signal: AbortSignal,
): Promise<MigrationState> {
  return withClient(config, signal, async (client) => compare(await readApplied(client), migrations))
}

/**
 * Applies what is pending, each migration in a transaction of its own, so that a crash leaves whole ones. Programs
 * that start at the same time take turns; the later ones find nothing left to do.
 *
 * The rule for whoever writes one: version N-1 keeps running beside version N during an upgrade, so a migration only
 * adds (a table, a column that may be null or has a default, an index). What nothing uses any more is dropped one
 * version later.
 * @returns names of the migrations that were applied now
 * @throws CatwalkError `database_newer` when a newer version was here, `migration_failed` when an applied file was
 * changed or a statement fails
 */
export async function migrate(
  config: ClientConfig,
  migrations: readonly Migration[],
  logger: Logger,
  signal: AbortSignal,
): Promise<readonly string[]> {
  return withClient(config, signal, async (client) => {
    await client.query(`set lock_timeout = ${OTHER_PROGRAM_MS}`)
    // Held by the connection, so it is free again however this ends.
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
    await client.query(`set lock_timeout = ${TABLE_LOCK_MS}`)
    await client.query(`
      create table if not exists schema_migrations (
        name text primary key,
        checksum text not null,
        applied_at timestamptz not null default now()
      )`)
    const { pending } = compare(await readApplied(client), migrations)
    for (const migration of pending) {
      await applyOne(client, migration)
      logger.debug({ migration: migration.name }, 'migration applied')
    }
    const last = pending.at(-1)?.name
    if (last !== undefined) logger.info({ applied: pending.length, last }, 'database brought up to date')
    return pending.map((migration) => migration.name)
  })
}

async function applyOne(client: Client, migration: Migration): Promise<void> {
  try {
    await client.query('begin')
    await client.query(migration.sql)
    await client.query('insert into schema_migrations (name, checksum) values ($1, $2)', [
      migration.name,
      migration.checksum,
    ])
    await client.query('commit')
  } catch (cause) {
    await client.query('rollback').catch(() => undefined)
    throw failed(`Migration ${migration.name} failed: ${reasonOf(cause)}`, cause)
  }
}

interface AppliedRow {
  readonly name: string
  readonly checksum: string
}

async function readApplied(client: Client): Promise<readonly AppliedRow[]> {
  const { rows } = await client.query<{ exists: boolean }>(
    `select to_regclass('schema_migrations') is not null as "exists"`,
  )
  if (rows[0]?.exists !== true) return []
  return (await client.query<AppliedRow>('select name, checksum from schema_migrations order by name')).rows
}

function compare(applied: readonly AppliedRow[], migrations: readonly Migration[]): MigrationState {
  const known = new Map(migrations.map((migration) => [migration.name, migration]))
  for (const row of applied) {
    const migration = known.get(row.name)
    if (migration === undefined) {
      throw new CatwalkError(
        'database_newer',
        `The database has migration ${row.name}, which this version of Catwalk does not know.`,
      )
    }
    if (migration.checksum !== row.checksum) {
      throw failed(`Migration ${row.name} was changed after it had been applied.`)
    }
  }
  const done = new Set(applied.map((row) => row.name))
  return { applied: [...done], pending: migrations.filter((migration) => !done.has(migration.name)) }
}

function failed(message: string, cause?: unknown): CatwalkError {
  return new CatwalkError('migration_failed', message, { cause })
}

async function withClient<T>(
  config: ClientConfig,
  signal: AbortSignal,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client(config)
  client.on('error', () => undefined)
  try {
    await orAborted(client.connect(), signal)
    return await orAborted(work(client), signal)
  } finally {
    const ended = client.end().catch(() => undefined)
    if (!signal.aborted) await ended
  }
}
