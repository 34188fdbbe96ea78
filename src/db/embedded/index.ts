import { rm } from 'node:fs/promises'
import path from 'node:path'
import { CatwalkError, type Logger } from '../../domain/index.ts'
import type { ConnectionTarget } from '../connection-url.ts'
import { writeAuthFiles } from './auth-files.ts'
import { installBinaries, majorOf, type Binaries } from './binaries.ts'
import { handOver, makePrivateDirectory, prepareDataDirectory, socketDirectory } from './directories.ts'
import type { FetchPackage } from './former-binaries.ts'
import { initialise } from './initialise.ts'
import { stopLeftovers } from './leftovers.ts'
import { lockDataDirectory } from './lock.ts'
import { databaseIn, putFirst, settle } from './places.ts'
import { startPostmaster, type Postmaster, type PostmasterOptions } from './postmaster.ts'
import { serviceUser } from './service-user.ts'
import { snapshotDatabase } from './snapshot.ts'
import { supervise } from './supervise.ts'
import { embeddedTarget } from './target.ts'
import { upgradeDatabase, type UpgradeStep } from './upgrade.ts'

export interface EmbeddedServer extends AsyncDisposable {
  readonly target: ConnectionTarget
  /** Stops, copies the whole database to `backups/`, starts again. Before any connection is made. */
  snapshot(label: string, now: Date): Promise<string>
}

export interface EmbeddedOptions {
  readonly dataDir: string
  readonly logger: Logger
  /** See PostmasterOptions. */
  readonly durable: boolean
  /** Fetches the programs of an older major whose database is to be brought over. */
  readonly fetchPackage?: FetchPackage
  /** Called at the steps of bringing a database over. */
  readonly checkpoint?: (step: UpgradeStep) => Promise<void>
}

/**
 * Starts PostgreSQL on a data directory, which it makes at the first start and brings over when an older major made it.
 * It is started again when it ends by itself, and stopped by disposing.
 * @throws CatwalkError `data_dir_in_use`, `config_invalid` for a directory that cannot be used,
 * `database_unreachable` when it does not start, `disk_full` when it cannot be brought over
 */
export async function startEmbedded(options: EmbeddedOptions, signal: AbortSignal): Promise<EmbeddedServer> {
  await using cleanup = new AsyncDisposableStack()
  const { logger, durable } = options
  const user = await serviceUser(logger, signal)
  const dataDir = await prepareDataDirectory(options.dataDir, user)
  cleanup.use(lockDataDirectory(dataDir))
  const madeBy = await settle(dataDir, logger, signal)
  const binaries = await installBinaries(dataDir, madeBy)
  const authDirectory = path.join(dataDir, 'postgres')
  await writeAuthFiles(authDirectory)
  const databaseDirectory = databaseIn(dataDir)
  if (madeBy === null) {
    await putFirst(dataDir, await initialise(dataDir, binaries, user, durable, signal))
  } else {
    const major = majorOf(binaries.version)
    if (madeBy > major) throw tooNew(madeBy, binaries)
    if (madeBy < major) {
      await upgradeDatabase({ ...options, dataDir, binaries, authDirectory, user }, madeBy, signal)
    }
  }
  const sockets = socketDirectory(dataDir)
  await makePrivateDirectory(sockets, user)
  if (!sockets.startsWith(dataDir)) cleanup.defer(() => rm(sockets, { recursive: true, force: true }))
  const settings: PostmasterOptions = {
    binaries,
    databaseDirectory,
    socketDirectory: sockets,
    authDirectory,
    user,
    durable,
    logger,
  }

  async function start(until: AbortSignal): Promise<Postmaster> {
    await stopLeftovers(databaseDirectory, logger, until)
    await handOver(databaseDirectory, user)
    return startPostmaster(settings, until)
  }
  const server = supervise(await start(signal), start, logger)
  cleanup.use(server)
  const owned = cleanup.move()
  return {
    target: embeddedTarget(sockets),
    snapshot: (label, now) => server.whileStopped(() => snapshotDatabase(dataDir, label, now)),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function tooNew(madeBy: number, { version }: Binaries): CatwalkError {
  return new CatwalkError(
    'database_unreachable',
    `The data directory was made by PostgreSQL ${madeBy}; this version of Catwalk brings ${version}.`,
    {
      help: 'Start the newer version of Catwalk again. To go back to what was before it upgraded, and lose what came after: rename `database` in the data directory, and then the `database.postgresql-…` that was kept beside it to `database`.',
    },
  )
}
