import { execFile } from 'node:child_process'
import { open, readdir, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { CatwalkError, type Logger } from '../../domain/index.ts'
import type { Binaries } from './binaries.ts'
import { isCode, makePrivateDirectory } from './directories.ts'
import { stopLeftovers } from './leftovers.ts'
import { parentDeathPrefix } from './parent-death.ts'
import { asUser } from './processes.ts'
import type { ServiceUser } from './service-user.ts'

const UNFINISHED = 'database.unfinished-'
const TIME_LIMIT_MS = 120_000
/** PostgreSQL's name for the one user of the embedded database. */
export const DATABASE_USER = 'catwalk'

/** `initdb` and its arguments. Sorting by code point does not change under us when the system's locales do. */
export function initdbCommand(binaries: Binaries, directory: string, durable: boolean): readonly string[] {
  return [
    path.join(binaries.directory, 'bin', 'initdb'),
    `--pgdata=${directory}`,
    `--username=${DATABASE_USER}`,
    '--auth=peer',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--data-checksums',
    // One call for the whole file system instead of one for each of 1,000 files; Linux alone has it.
    ...(durable ? (process.platform === 'linux' ? ['--sync-method=syncfs'] : []) : ['--no-sync']),
  ]
}

/**
 * Makes the database directory at the first start, elsewhere and renamed at the end, so that it is whole or not there.
 * @returns its path
 * @throws CatwalkError `database_unreachable` when it was made by another major version, or cannot be made
 */
export async function initialise(
  dataDir: string,
  binaries: Binaries,
  user: ServiceUser,
  options: { readonly durable: boolean; readonly logger: Logger },
  signal: AbortSignal,
): Promise<string> {
  const directory = path.join(dataDir, 'database')
  const version = await readFile(path.join(directory, 'PG_VERSION'), 'utf8').catch((error: unknown) => {
    if (isCode(error, 'ENOENT')) return null
    throw error
  })
  if (version !== null) {
    requireSameMajor(version.trim(), binaries)
    return directory
  }
  for (const name of await readdir(dataDir)) {
    if (!name.startsWith(UNFINISHED)) continue
    await stopLeftovers(path.join(dataDir, name), options.logger, signal)
    await rm(path.join(dataDir, name), { recursive: true })
  }
  const unfinished = path.join(dataDir, `${UNFINISHED}${process.pid}`)
  await makePrivateDirectory(unfinished, user)
  const [program = '', ...args] = [
    ...(await parentDeathPrefix('KILL', signal)),
    ...initdbCommand(binaries, unfinished, options.durable),
  ]
  try {
    await promisify(execFile)(program, args, { ...asUser(user), timeout: TIME_LIMIT_MS, signal })
  } catch (cause) {
    signal.throwIfAborted()
    const output = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : ''
    throw new CatwalkError('database_unreachable', `The embedded database could not be made: ${output}`, {
      help: `Check the free space and the rights of ${dataDir}, then start again.`,
      cause,
    })
  }
  await rename(unfinished, directory)
  if (options.durable) await syncDirectory(dataDir)
  return directory
}

function requireSameMajor(major: string, binaries: Binaries): void {
  if (binaries.version.startsWith(`${major}.`)) return
  throw new CatwalkError(
    'database_unreachable',
    `The data directory was made by PostgreSQL ${major}; this version of Catwalk brings ${binaries.version}.`,
    {
      help: 'Start the version of Catwalk that was used before, and make a backup with it: bin/catwalk backup. Then restore that with this version into another data directory: bin/catwalk restore.',
    },
  )
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
