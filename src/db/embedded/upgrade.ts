import { readdir, rm, stat, statfs } from 'node:fs/promises'
import path from 'node:path'
import { Transform } from 'node:stream'
import { CatwalkError, diskFull, type Logger } from '../../domain/index.ts'
import { withClient } from '../backup/client.ts'
import { restoreInto } from '../backup/restore-into.ts'
import { writeBackup } from '../backup/write-backup.ts'
import { findConnection, reasonOf, type Connectable } from '../connect.ts'
import type { Binaries } from './binaries.ts'
import { handOver, isCode, makePrivateDirectory, socketDirectory } from './directories.ts'
import { formerBinaries, type FetchPackage } from './former-binaries.ts'
import { initialise } from './initialise.ts'
import { stopLeftovers } from './leftovers.ts'
import { databaseIn, putInstead, type SwapStep } from './places.ts'
import { startPostmaster } from './postmaster.ts'
import type { ServiceUser } from './service-user.ts'
import { embeddedTarget } from './target.ts'

const MIB = 1024 * 1024
/** Programs of the former version (60 MiB, twice while they are put in place), and the new one's log of changes. */
const BESIDE_BYTES = 512 * MIB
const PROGRESS_MS = 10_000

/** What an upgrade has reached, for tests that kill the program there. */
export type UpgradeStep = 'database.fetched' | 'database.initialised' | 'database.copied' | SwapStep

export interface UpgradeOptions {
  readonly dataDir: string
  readonly binaries: Binaries
  readonly authDirectory: string
  readonly user: ServiceUser
  readonly durable: boolean
  readonly logger: Logger
  readonly fetchPackage?: FetchPackage
  readonly checkpoint?: (step: UpgradeStep) => Promise<void>
}

/**
 * Brings the database of an older major over to this one: runs both side by side where nobody else connects, restores a
 * backup of the one into the other as it is written, and puts the new one in the former one's place, which is kept. Until
 * that the former one is only read; a start that was cut off begins anew, or finishes (see `settle`).
 * @param major that made the database
 * @throws CatwalkError `database_unreachable`, `disk_full`, `database_newer`; then nothing was changed
 */
export async function upgradeDatabase(
  options: UpgradeOptions,
  major: number,
  signal: AbortSignal,
): Promise<void> {
  const { dataDir, binaries, user, durable, logger, checkpoint = async () => undefined } = options
  const directory = databaseIn(dataDir)
  const bytes = await sizeOf(directory)
  const { bavail, bsize } = await statfs(dataDir)
  requireSpace(bytes, bavail * bsize, dataDir)
  logger.warn(
    { from: major, to: binaries.version, MiB: Math.ceil(bytes / MIB) },
    `the database was made by PostgreSQL ${major}; bringing it over, which can take minutes`,
  )
  const former = await formerBinaries(dataDir, major, options.fetchPackage, logger, signal)
  await checkpoint('database.fetched')
  const unfinished = await initialise(dataDir, binaries, user, durable, signal)
  try {
    await checkpoint('database.initialised')
    await stopLeftovers(directory, logger, signal)
    await handOver(directory, user)
    {
      await using from = await startAside(options, former, directory, 'run.former', signal)
      await using to = await startAside(options, binaries, unfinished, 'run.new', signal)
      if (await isUsed(from.connection)) await copy(from.connection, to.connection, logger, signal)
      // What is left to write would otherwise be cut off by the time limit of its stop.
      await withClient(to.connection, (client) => client.query('checkpoint'))
      await checkpoint('database.copied')
    }
  } catch (cause) {
    signal.throwIfAborted()
    await rm(unfinished, { recursive: true, force: true })
    throw failed(major, binaries, cause)
  }
  const kept = await putInstead(dataDir, unfinished, { major, now: new Date() }, checkpoint)
  logger.warn(
    { kept, to: binaries.version },
    `the database was brought over from PostgreSQL ${major}; the former one is kept and can be removed once all is well: rm -r '${kept}'`,
  )
}

/**
 * @param bytes of the database that is copied
 * @throws CatwalkError `disk_full` unless there is room for a second one
 */
export function requireSpace(bytes: number, freeBytes: number, dataDir: string): void {
  const needed = bytes + BESIDE_BYTES
  if (freeBytes >= needed) return
  throw new CatwalkError(
    'disk_full',
    `Bringing the database over to the new major version of PostgreSQL needs ${Math.ceil(needed / MIB)} MiB, and ${Math.floor(freeBytes / MIB)} MiB are free in ${dataDir}.`,
    { help: 'Free some space and start again. Nothing was changed.' },
  )
}

interface Aside extends AsyncDisposable {
  readonly connection: Connectable
}

/** A server that nobody else knows of, on a socket of its own. */
async function startAside(
  { authDirectory, dataDir, user, durable, logger }: UpgradeOptions,
  binaries: Binaries,
  databaseDirectory: string,
  name: string,
  signal: AbortSignal,
): Promise<Aside> {
  await using cleanup = new AsyncDisposableStack()
  const sockets = socketDirectory(dataDir, name)
  // Of a killed start, with a process number that may be somebody else's by now.
  await rm(sockets, { recursive: true, force: true })
  await makePrivateDirectory(sockets, user)
  cleanup.defer(() => rm(sockets, { recursive: true, force: true }))
  const server = await startPostmaster(
    { binaries, databaseDirectory, socketDirectory: sockets, authDirectory, user, durable, logger },
    signal,
  )
  cleanup.defer(() => server.stop())
  const connection = await findConnection(embeddedTarget(sockets), { waitMs: 0, logger }, signal)
  const owned = cleanup.move()
  return { connection, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Whether a start ever came to its end on it: the first one makes a workspace when the schema is whole. */
async function isUsed(connection: Connectable): Promise<boolean> {
  return withClient(connection, async (client) => {
    const { rows } = await client.query<{ found: boolean }>(
      `select to_regclass('workspaces') is not null as found`,
    )
    if (rows[0]?.found !== true) return false
    const { rowCount } = await client.query('select from workspaces limit 1')
    return rowCount === 1
  })
}

/** What is restored is what was written: the backup ends with the number and the hash of the rows of each table. */
async function copy(from: Connectable, to: Connectable, logger: Logger, signal: AbortSignal): Promise<void> {
  let bytes = 0
  const backup = new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length
      done(null, chunk)
    },
  })
  const progress = setInterval(
    () =>
      logger.info(
        { MiB: Math.floor(bytes / MIB) },
        'bringing the database over; so much, compressed, is copied',
      ),
    PROGRESS_MS,
  )
  try {
    const [written, restored] = await Promise.allSettled([
      withClient(from, (client) => writeBackup(client, backup, signal)),
      restoreInto(to, backup, logger, signal),
    ])
    // Whichever fails makes the other one fail; a backup that only ends too early says least.
    const errors = [restored, written].flatMap((one) =>
      one.status === 'rejected' ? [one.reason as unknown] : [],
    )
    if (errors.length > 0) throw errors.find((error) => !isConsequence(error)) ?? errors[0]
    if (restored.status === 'fulfilled')
      logger.info({ rows: restored.value.rows }, 'the rows of the database were copied')
  } finally {
    clearInterval(progress)
  }
}

function isConsequence(error: unknown): boolean {
  return (
    (error instanceof CatwalkError && error.code === 'backup_invalid') ||
    isCode(error, 'ERR_STREAM_PREMATURE_CLOSE')
  )
}

function failed(major: number, { version }: Binaries, cause: unknown): CatwalkError {
  const full = diskFull(cause)
  if (full !== null) return full
  if (cause instanceof CatwalkError && cause.code !== 'backup_invalid') return cause
  return new CatwalkError(
    'database_unreachable',
    `The database could not be brought over from PostgreSQL ${major} to ${version}: ${reasonOf(cause)}`,
    {
      help: 'Nothing was changed. Start the version of Catwalk that was used before, and take a backup with it: bin/catwalk backup.',
      cause,
    },
  )
}

async function sizeOf(directory: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(path.join(entry.parentPath, entry.name))).size
  }
  return bytes
}
