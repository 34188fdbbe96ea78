import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import path from 'node:path'
import type { Logger } from '../../domain/index.ts'
import type { ConnectionTarget } from '../connection-url.ts'
import { installBinaries } from './binaries.ts'
import { handOver, makePrivateDirectory, prepareDataDirectory, socketDirectory } from './directories.ts'
import { DATABASE_USER, initialise } from './initialise.ts'
import { stopLeftovers } from './leftovers.ts'
import { lockDataDirectory } from './lock.ts'
import { startPostmaster, type Postmaster, type PostmasterOptions } from './postmaster.ts'
import { serviceUser } from './service-user.ts'
import { snapshotDatabase } from './snapshot.ts'
import { supervise } from './supervise.ts'

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
}

/**
 * Starts PostgreSQL on a data directory, which it makes at the first start. It is started again when it ends by
 * itself, and stopped by disposing.
 * @throws CatwalkError `data_dir_in_use`, `config_invalid` for a directory that cannot be used,
 * `database_unreachable` when it does not start
 */
export async function startEmbedded(options: EmbeddedOptions, signal: AbortSignal): Promise<EmbeddedServer> {
  await using cleanup = new AsyncDisposableStack()
  const { logger, durable } = options
  const user = await serviceUser(logger, signal)
  const dataDir = await prepareDataDirectory(options.dataDir, user)
  cleanup.use(lockDataDirectory(dataDir))
  const binaries = await installBinaries(dataDir)
  const databaseDirectory = await initialise(dataDir, binaries, user, { durable, logger }, signal)
  const sockets = socketDirectory(dataDir)
  const authDirectory = path.join(dataDir, 'postgres')
  await writeAuthFiles(authDirectory)
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

/** Nobody but the user who runs Catwalk gets in: the kernel tells the server who is at the other end of the socket. */
async function writeAuthFiles(directory: string): Promise<void> {
  const name = userInfo().username.replaceAll('"', '""')
  const files = {
    'pg_hba.conf': `local all ${DATABASE_USER} peer map=catwalk\n`,
    'pg_ident.conf': `catwalk "${name}" ${DATABASE_USER}\n`,
  }
  await mkdir(directory, { recursive: true })
  for (const [file, content] of Object.entries(files)) {
    const target = path.join(directory, file)
    await writeFile(`${target}.new`, content, { mode: 0o644 })
    await rename(`${target}.new`, target)
  }
}

/** Leads to the server whose socket is in this directory. */
export function embeddedTarget(sockets: string): ConnectionTarget {
  return {
    host: sockets,
    port: 5432,
    user: DATABASE_USER,
    password: null,
    database: 'postgres',
    sslMode: 'disable',
    sslRootCert: null,
    sslCert: null,
    sslKey: null,
    applicationName: 'catwalk',
    options: null,
    ignored: [],
  }
}
