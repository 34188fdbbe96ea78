import { realpath } from 'node:fs/promises'
import type { Readable, Writable } from 'node:stream'
import type { Logger, Secret } from '../../domain/index.ts'
import { findConnection, type Connectable } from '../connect.ts'
import { parseConnectionUrl } from '../connection-url.ts'
import { openDatabase } from '../database.ts'
import { socketDirectory } from '../embedded/directories.ts'
import type { FetchPackage } from '../embedded/former-binaries.ts'
import { embeddedTarget } from '../embedded/target.ts'
import { withClient } from './client.ts'
import type { BackupReport } from './format.ts'
import { restoreInto } from './restore-into.ts'
import { writeBackup } from './write-backup.ts'

export type { BackupReport } from './format.ts'

export interface BackupOptions {
  /** Null for the embedded PostgreSQL of the data directory, whether it runs right now or not. */
  readonly url: Secret | null
  readonly dataDir: string
  readonly logger: Logger
  /** As in DatabaseOptions. */
  readonly fetchPackage?: FetchPackage
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
  return withDatabase(options, signal, (connection) => restoreInto(connection, input, options.logger, signal))
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
  options: BackupOptions,
  signal: AbortSignal,
  work: (connection: Connectable) => Promise<T>,
): Promise<T> {
  const { url, dataDir, logger } = options
  // Beside a database elsewhere, the data directory belongs to the Catwalk that runs and is not needed.
  await using database = await openDatabase(
    { ...options, dataDir: url === null ? dataDir : null, poolSize: 1, migrate: false },
    signal,
  )
  return await work(await findConnection(parseConnectionUrl(database.url), { waitMs: 0, logger }, signal))
}
