import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { CatwalkError, type Logger } from '../../domain/index.ts'
import { majorOf, type Binaries } from './binaries.ts'
import { parentDeathPrefix } from './parent-death.ts'
import { asUser } from './processes.ts'
import type { ServiceUser } from './service-user.ts'

/** Recovery after a crash replays at most `max_wal_size` of changes; a slow disk may take this long. */
const START_LIMIT_MS = 120_000
const KEPT_LINES = 20

export interface PostmasterOptions {
  readonly binaries: Binaries
  readonly databaseDirectory: string
  readonly socketDirectory: string
  /** Directory with pg_hba.conf and pg_ident.conf. */
  readonly authDirectory: string
  readonly user: ServiceUser
  /** False only in tests: what was committed may be lost when the machine (not the program) crashes. */
  readonly durable: boolean
  readonly logger: Logger
}

export interface Postmaster {
  readonly pid: number
  /** Settles when it has ended, however; says how. */
  readonly ended: Promise<string>
  /** Fast shutdown: clients are cut, everything is written. Forced after 10 seconds. */
  stop(): Promise<void>
}

/** The server's command line, with settings for a small machine. */
export function postmasterCommand(options: Omit<PostmasterOptions, 'user' | 'logger'>): readonly string[] {
  const settings = {
    hba_file: path.join(options.authDirectory, 'pg_hba.conf'),
    ident_file: path.join(options.authDirectory, 'pg_ident.conf'),
    // The bundled TLS library is old, so there is no network: the socket is the only way in.
    listen_addresses: '',
    unix_socket_directories: `"${options.socketDirectory.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    port: '5432',
    max_connections: '60',
    shared_buffers: '32MB',
    max_wal_size: '256MB',
    min_wal_size: '64MB',
    // No replicas, so less to write; no parallel plans, so fewer processes and no need for a large /dev/shm.
    wal_level: 'minimal',
    max_wal_senders: '0',
    max_parallel_workers_per_gather: '0',
    max_logical_replication_workers: '0',
    // Before 18 there was no other.
    ...(majorOf(options.binaries.version) >= 18 ? { io_method: 'sync' } : {}),
    jit: 'off',
    ...(options.durable ? {} : { fsync: 'off', full_page_writes: 'off' }),
    // The program reports its own failed statements; what is left is about the server itself. Terse, because the
    // details of an error can hold values.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_line_prefix: '',
    log_checkpoints: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
  }
  return [
    path.join(options.binaries.directory, 'bin', 'postgres'),
    '-D',
    options.databaseDirectory,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
}

/**
 * Starts the server and waits until it accepts connections. It is in a process group of its own, so that Ctrl-C in
 * the terminal reaches it only through us, and it ends with this program even when that is killed.
 * @throws CatwalkError `database_unreachable` with its last lines
 */
export async function startPostmaster(options: PostmasterOptions, signal: AbortSignal): Promise<Postmaster> {
  const [program = '', ...args] = [...(await parentDeathPrefix('INT', signal)), ...postmasterCommand(options)]
  const child = spawn(program, args, {
    ...asUser(options.user),
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = endOf(child)
  const lines: string[] = []
  const ready = Promise.withResolvers<void>()
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line)
    if (lines.length > KEPT_LINES) lines.shift()
    log(options.logger, line)
    if (line.includes('database system is ready to accept connections')) ready.resolve()
  })
  const timeout = AbortSignal.timeout(START_LIMIT_MS)
  const stopWaiting = (): void => ready.reject(new Error('it did not become ready in time'))
  signal.addEventListener('abort', stopWaiting, { once: true })
  timeout.addEventListener('abort', stopWaiting, { once: true })
  try {
    await Promise.race([ready.promise, ended.then((how) => Promise.reject(new Error(how)))])
    if (child.pid === undefined) throw new Error('it has no process number')
    return { pid: child.pid, ended, stop: () => stop(child, ended) }
  } catch (cause) {
    await stop(child, ended)
    signal.throwIfAborted()
    const reason = cause instanceof Error ? cause.message : String(cause)
    const output = lines.length === 0 ? '' : ` Its last lines: ${lines.slice(-5).join(' / ')}`
    throw new CatwalkError(
      'database_unreachable',
      `The embedded database did not start: ${reason}.${output}`,
      {
        help: `Read its last lines. If ${options.databaseDirectory} is damaged, put back a backup.`,
        cause,
      },
    )
  } finally {
    signal.removeEventListener('abort', stopWaiting)
  }
}

async function endOf(child: ChildProcess): Promise<string> {
  try {
    // 'close' comes after the last line of output; 'error' when it could not be started.
    await once(child, 'close')
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  return child.signalCode === null
    ? `it ended with exit code ${child.exitCode}`
    : `it was ended by ${child.signalCode}`
}

const STOP_STEPS = [
  ['SIGINT', 10_000],
  ['SIGQUIT', 3_000],
  ['SIGKILL', 3_000],
] as const

async function stop(child: ChildProcess, ended: Promise<string>): Promise<void> {
  const settled = new AbortController()
  for (const [signalName, waitMs] of STOP_STEPS) {
    child.kill(signalName)
    const late = delay(waitMs, false, { signal: settled.signal })
    late.catch(() => undefined)
    if (await Promise.race([ended.then(() => true), late])) break
  }
  settled.abort()
}

function log(logger: Logger, line: string): void {
  const [, severity, message] = /^([A-Z]+):\s+(.*)$/.exec(line) ?? []
  if (severity === 'PANIC') logger.error({}, `database: ${message}`)
  // One connection's end, such as a client that came while it was starting.
  else if (severity === 'FATAL') logger.warn({}, `database: ${message}`)
  else logger.debug({}, `database: ${message ?? line}`)
}
