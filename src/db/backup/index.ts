import { realpath } from 'node:fs/promises'
import type { Readable, Writable } from 'node:stream'
import { Client } from 'pg'
import { CatwalkError, type Logger, type Secret } from '../../domain/index.ts'
import { findConnection, type Connectable } from '../connect.ts'
import { parseConnectionUrl } from '../connection-url.ts'
import { openDatabase } from '../database.ts'
import { embeddedTarget } from '../embedded/index.ts'
import { socketDirectory } from '../embedded/directories.ts'
import { MIGRATIONS_DIRECTORY, readMigrations } from '../migrate/files.ts'
import { migrate } from '../migrate/migrate.ts'
import type { BackupReport } from './format.ts'
import { readBackup } from './read-backup.ts'
import { writeBackup } from './write-backup.ts'

export type { BackupReport } from './format.ts'

export interface BackupOptions {
  /** Null for the embedded PostgreSQL of the data directory, whether it runs right now or not. */
  readonly url: Secret | null
  readonly dataDir: string
  readonly logger: Logger
}

/**
 * Writes everything that the installation keeps, credentials as they are encrypted, without the master key. Catwalk may
 * go on meanwhile; the backup is of one moment.
 * @param output gets the file and is ended
 * @throws CatwalkError as {@link openDatabase}
 */
export async function backupDatabase(
  options: BackupOptions,
  output: Writable,
  signal: AbortSignal,
): Promise<BackupReport> {
  const running = options.url === null ? await findRunning(options, signal) : null
  if (running !== null) return withClient(running, (client) => writeBackup(client, output, signal))
  return withDatabase(options, signal, (connection) =>
    withClient(connection, (client) => writeBackup(client, output, signal)),
  )
}

/**
 * Fills a database that was never used from a backup, all of it or nothing, and brings its schema up to date. Works on
 * any PostgreSQL that Catwalk works on, whichever the backup came from.
 * @throws CatwalkError `backup_invalid`, `restore_not_empty`, `database_newer` for a backup of a newer version,
 *   `data_dir_in_use` while Catwalk runs, and as {@link openDatabase}
 */
export async function restoreDatabase(
  options: BackupOptions,
  input: Readable,
  signal: AbortSignal,
): Promise<BackupReport> {
  return withDatabase(options, signal, async (connection) => {
    const known = await readMigrations(MIGRATIONS_DIRECTORY)
    const restored = await withClient(connection, (client) =>
      readBackup(client, input, {
        signal,
        async prepare(names) {
          const unknown = names.find((name) => !known.some((migration) => migration.name === name))
          if (unknown !== undefined) {
            throw new CatwalkError(
              'database_newer',
              `The backup has migration ${unknown}, which this version of Catwalk does not know.`,
            )
          }
          if (await isSetUp(client)) return
          const wanted = known.filter(({ name }) => names.includes(name))
          await migrate(connection.client, wanted, options.logger, signal)
        },
      }),
    )
    await migrate(connection.client, known, options.logger, signal)
    return restored
  })
}

async function isSetUp(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>(
    `select to_regclass('schema_migrations') is not null as found`,
  )
  return rows[0]?.found === true
}

/** The embedded server of a Catwalk that runs now, or null. */
async function findRunning(
  { dataDir, logger }: BackupOptions,
  signal: AbortSignal,
): Promise<Connectable | null> {
  try {
    const target = embeddedTarget(socketDirectory(await realpath(dataDir)))
    return await findConnection(target, { waitMs: 0, logger }, signal)
  } catch {
    signal.throwIfAborted()
    return null
  }
}

async function withDatabase<T>(
  { url, dataDir, logger }: BackupOptions,
  signal: AbortSignal,
  work: (connection: Connectable) => Promise<T>,
): Promise<T> {
  // Beside a database elsewhere, the data directory belongs to the Catwalk that runs and is not needed.
  await using database = await openDatabase(
    { url, dataDir: url === null ? dataDir : null, logger, poolSize: 1, migrate: false },
    signal,
  )
  return await work(await findConnection(parseConnectionUrl(database.url), { waitMs: 0, logger }, signal))
}

async function withClient<T>(
  { client: config }: Connectable,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({ ...config, application_name: 'catwalk-backup' })
  // A connection that breaks fails the query that waits on it; the event itself needs somebody to hear it.
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}
