import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { access, chmod, lchown, lstat, mkdir, open, readdir, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { CatwalkError, quoted } from '../../domain/index.ts'
import type { ServiceUser } from './service-user.ts'

const SOCKET_NAME = '.s.PGSQL.5432'
// sockaddr_un holds 104 bytes on macOS and 108 on Linux, with the final zero.
const LONGEST_SOCKET_PATH = 103

/**
 * Makes the data directory and checks that the service user can get into it.
 * @returns its path without symbolic links
 * @throws CatwalkError `config_invalid`, naming the parent that is closed
 */
export async function prepareDataDirectory(dataDir: string, user: ServiceUser): Promise<string> {
  // initdb runs its neighbour through a shell, in quotes that leave these their meaning.
  if (/["$`\\\n\r]/.test(dataDir)) {
    throw new CatwalkError(
      'config_invalid',
      `The data directory ${quoted(dataDir)} has a character in its name that PostgreSQL cannot take.`,
      {
        help: 'Choose a path without quotation marks, $, `, backslashes and line ends.',
        details: { field: 'CATWALK_DATA_DIR' },
      },
    )
  }
  // Root's files in it have their own modes; the service user has to pass through.
  const isRoot = process.getuid?.() === 0
  try {
    await mkdir(dataDir, { recursive: true, mode: isRoot ? 0o711 : 0o700 })
    await access(dataDir, constants.W_OK)
  } catch (cause) {
    throw new CatwalkError('config_invalid', `The data directory ${dataDir} cannot be written to.`, {
      help: 'Choose another directory with CATWALK_DATA_DIR, or make it writable for the user who runs Catwalk.',
      details: { field: 'CATWALK_DATA_DIR' },
      cause,
    })
  }
  const directory = await realpath(dataDir)
  if (!isRoot) return directory
  const { mode } = await stat(directory)
  if ((mode & 0o001) === 0) await chmod(directory, (mode & 0o777) | 0o001)
  const closed = await closedParent(directory, user)
  if (closed === null) return directory
  throw new CatwalkError(
    'config_invalid',
    `The data directory ${directory} cannot be used: the system user ${user.name}, who runs the database, may not enter ${closed}.`,
    {
      help: `Choose another directory with CATWALK_DATA_DIR, or open that one for passing through with: chmod o+x ${closed}`,
      details: { field: 'CATWALK_DATA_DIR' },
    },
  )
}

/** The topmost directory on the way that the user may not pass, or null. Access lists are not looked at. */
export async function closedParent(directory: string, user: ServiceUser): Promise<string | null> {
  const parents = [directory]
  while (path.dirname(parents[0] ?? '/') !== parents[0]) parents.unshift(path.dirname(parents[0] ?? '/'))
  for (const parent of parents) {
    const { mode, uid, gid } = await stat(parent)
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001
    if ((mode & bit) === 0) return parent
  }
  return null
}

/** Where the socket goes: in the data directory, or for a long path in /tmp under a name made from it. */
export function socketDirectory(dataDir: string, name = 'run'): string {
  const wanted = path.join(dataDir, name)
  if (Buffer.byteLength(path.join(wanted, SOCKET_NAME)) <= LONGEST_SOCKET_PATH) return wanted
  const hashed = name === 'run' ? dataDir : wanted
  return `/tmp/catwalk-${createHash('sha256').update(hashed).digest('hex').slice(0, 16)}`
}

/** Writes through to the disk what was made, renamed or removed in a directory. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Makes a directory that only the service user (and root) can enter.
 * @throws CatwalkError `config_invalid` when something else of this name is there, as anyone could arrange in /tmp
 */
export async function makePrivateDirectory(directory: string, user: ServiceUser): Promise<void> {
  await mkdir(directory, { mode: 0o700 }).catch((error: unknown) => {
    if (!isCode(error, 'EEXIST')) throw error
  })
  const found = await lstat(directory)
  const ours = found.isDirectory() && (found.uid === user.uid || found.uid === process.getuid?.())
  if (!ours) {
    throw new CatwalkError(
      'config_invalid',
      `${directory} is needed for the database, but belongs to someone else.`,
      {
        help: 'Remove it, or choose another data directory with CATWALK_DATA_DIR.',
        details: { field: 'CATWALK_DATA_DIR' },
      },
    )
  }
  await chmod(directory, 0o700)
  if (found.uid !== user.uid) await lchown(directory, user.uid, user.gid)
}

/** Gives a directory and all in it to the service user, unless it has it already. */
export async function handOver(directory: string, user: ServiceUser): Promise<void> {
  if (process.getuid?.() !== 0 || (await lstat(directory)).uid === user.uid) return
  const entries = await readdir(directory, { recursive: true })
  for (const entry of entries) await lchown(path.join(directory, entry), user.uid, user.gid)
  // Last, because it is what says that the whole is done.
  await lchown(directory, user.uid, user.gid)
}

/** Whether an error of the operating system has this code. */
export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
