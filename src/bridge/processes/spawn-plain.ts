import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { CatwalkError, type InstanceEnd } from '../../domain/index.ts'
import type { ServerProcess } from './server-process.ts'

export interface PlainCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Part of util-linux; asks the kernel to end the server when we are killed and cannot do it ourselves. */
const SETPRIV = '/usr/bin/setpriv'
const TERM_GRACE_MS = 2000
const GROUP_POLL_MS = 20

/**
 * Starts a server without any sandbox, in a process group of its own, with our stderr.
 * @throws CatwalkError `server_exited` when the command cannot be run
 */
export async function spawnPlain(options: PlainCommand): Promise<ServerProcess> {
  const env = options.env ?? process.env
  await findCommand(options.command, env['PATH'] ?? '')
  const [file, args] = dyingWithUs(options.command, options.args)
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: { ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  })
  const { stdin, stdout } = child
  const exit = Promise.withResolvers<{ exitCode: number | null; signal: string | null }>()
  child.once('exit', (exitCode, signal) => exit.resolve({ exitCode, signal }))
  await started(child, options.command)

  let stopped: Promise<void> | null = null
  const ended = exit.promise.then(async ({ exitCode, signal }): Promise<InstanceEnd> => {
    await endGroup(child)
    return { reason: stopped === null ? 'exited' : 'stopped', exitCode, signal }
  })

  async function stop(graceMs: number): Promise<void> {
    stdin.end()
    if (await within(ended, graceMs)) return
    signalGroup(child, 'SIGTERM')
    if (await within(ended, TERM_GRACE_MS)) return
    signalGroup(child, 'SIGKILL')
    await ended
  }
  return { stdin, stdout, ended, stop: (graceMs) => (stopped ??= stop(graceMs)) }
}

/** Elsewhere a killed bridge closes the server's stdin, which well-behaved servers take as their end. */
function dyingWithUs(command: string, args: readonly string[]): [string, readonly string[]] {
  if (process.platform !== 'linux' || !existsSync(SETPRIV)) return [command, args]
  return [SETPRIV, ['--pdeathsig', 'KILL', '--', command, ...args]]
}

/**
 * What starts the command cannot tell a missing program from one that fails, so it is looked for first.
 * @throws CatwalkError `server_exited`
 */
async function findCommand(command: string, path: string): Promise<void> {
  const candidates = command.includes('/')
    ? [command]
    : path.split(delimiter).map((folder) => join(folder, command))
  const found = await Promise.allSettled(candidates.map((file) => access(file, constants.X_OK)))
  if (found.some(({ status }) => status === 'fulfilled')) return
  throw new CatwalkError('server_exited', `There is no program "${command}".`, {
    help: 'Check the spelling and the PATH. What follows -- is run as it is, without a shell.',
  })
}

async function started(child: ChildProcess, command: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  child.once('spawn', resolve)
  child.once('error', (cause) => {
    reject(new CatwalkError('server_exited', `"${command}" cannot be run: ${cause.message}`, { cause }))
  })
  await promise
}

/** After the leader is gone, what it left behind in its group goes too. */
async function endGroup(child: ChildProcess): Promise<void> {
  while (signalGroup(child, 'SIGKILL')) await new Promise((resolve) => setTimeout(resolve, GROUP_POLL_MS))
}

/** False when the group is empty. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): boolean {
  if (child.pid === undefined) return false
  try {
    process.kill(-child.pid, signal)
    return true
  } catch {
    return false
  }
}

async function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => late.resolve(false), ms)
  try {
    return await Promise.race([promise.then(() => true), late.promise])
  } finally {
    clearTimeout(timer)
  }
}
