import { execFile } from 'node:child_process'
import { userInfo } from 'node:os'
import { promisify } from 'node:util'
import { CatwalkError, type Logger } from '../../domain/index.ts'

const run = promisify(execFile)

/** A user of the operating system. */
export interface ServiceUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

const SYSTEM_USER = 'catwalk'
/** Exists on every Unix. Shared with other services, so only the second choice. */
const LAST_RESORT = 'nobody'

/**
 * Who runs the database: the user who runs Catwalk, or for root, with whom PostgreSQL refuses to run, the system user
 * `catwalk`, which is created when it is missing.
 * @throws CatwalkError `database_unreachable` for a user without an entry in the list of users, as happens in
 * containers; PostgreSQL refuses those too
 */
export async function serviceUser(logger: Logger, signal: AbortSignal): Promise<ServiceUser> {
  if (process.getuid?.() !== 0) return ownUser()
  const existing = await lookUp(SYSTEM_USER, signal)
  if (existing !== null) return existing
  try {
    await run('useradd', ['--system', '--no-create-home', '--shell', '/usr/sbin/nologin', SYSTEM_USER], {
      signal,
    })
    logger.info({ user: SYSTEM_USER }, 'system user created; the database runs as it')
  } catch (error) {
    logger.warn({ err: error }, `the system user ${SYSTEM_USER} could not be created`)
  }
  const user = (await lookUp(SYSTEM_USER, signal)) ?? (await lookUp(LAST_RESORT, signal))
  if (user !== null) return user
  throw new CatwalkError(
    'database_unreachable',
    'There is no user that the embedded database could run as.',
    {
      help: `Create one with: useradd --system ${SYSTEM_USER}`,
    },
  )
}

function ownUser(): ServiceUser {
  try {
    const { username, uid, gid } = userInfo()
    return { name: username, uid, gid }
  } catch (cause) {
    throw new CatwalkError(
      'database_unreachable',
      `The user with the number ${process.getuid?.()} has no entry in the list of users, and PostgreSQL refuses to run for it.`,
      { help: 'Run Catwalk as a user that exists, or set DATABASE_URL to use another PostgreSQL.', cause },
    )
  }
}

async function lookUp(name: string, signal: AbortSignal): Promise<ServiceUser | null> {
  try {
    const [uid, gid] = await Promise.all([
      run('id', ['-u', name], { signal }),
      run('id', ['-g', name], { signal }),
    ])
    return { name, uid: Number(uid.stdout), gid: Number(gid.stdout) }
  } catch {
    signal.throwIfAborted()
    return null
  }
}
