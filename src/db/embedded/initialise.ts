import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { CatwalkError } from '../../domain/index.ts'
import type { Binaries } from './binaries.ts'
import { makePrivateDirectory } from './directories.ts'
import { parentDeathPrefix } from './parent-death.ts'
import { asUser } from './processes.ts'
import type { ServiceUser } from './service-user.ts'
import { UNFINISHED } from './places.ts'
import { DATABASE_USER } from './target.ts'

const TIME_LIMIT_MS = 120_000

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
 * Makes an empty cluster under a name that says that it is not finished.
 * @returns its path
 * @throws CatwalkError `database_unreachable` when it cannot be made
 */
export async function initialise(
  dataDir: string,
  binaries: Binaries,
  user: ServiceUser,
  durable: boolean,
  signal: AbortSignal,
): Promise<string> {
  const unfinished = path.join(dataDir, `${UNFINISHED}${process.pid}`)
  await makePrivateDirectory(unfinished, user)
  const [program = '', ...args] = [
    ...(await parentDeathPrefix('KILL', signal)),
    ...initdbCommand(binaries, unfinished, durable),
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
  return unfinished
}
