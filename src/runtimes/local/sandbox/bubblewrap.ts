import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { Server } from 'node:net'
import { constants } from 'node:os'
import { Duplex, type Readable } from 'node:stream'
import { CatwalkError } from '../../../domain/index.ts'
import { PROXY_DEFAULTS, serveProxy, type Proxy } from '../egress/proxy.ts'
import type { Toolchain } from '../toolchain.ts'
import { bubblewrapArgs, DESCRIPTOR } from './bubblewrap-args.ts'
import { INSIDE, processLimits, type ConfinedCommand } from './confined-command.ts'
import {
  childExit,
  type ChildEnd,
  childrenOf,
  signalProcess,
  untilGone,
  type ConfinedProcess,
  type ProcessEnd,
} from './confined-process.ts'
import type { ControlGroup, ControlGroups } from './control-groups.ts'
import type { BubblewrapFeatures, SystemFiles } from './system-files.ts'

/** What is the same for every sandbox of this host. */
export interface BubblewrapHost {
  readonly bubblewrap: string
  /** setpriv of util-linux; needed to become another user. */
  readonly setpriv: string
  readonly features: BubblewrapFeatures
  readonly system: SystemFiles
  readonly toolchain: Toolchain
  readonly controlGroups: ControlGroups
  /** How long a sandbox may take to be there. */
  readonly readyTimeoutMs: number
}

/**
 * Starts a program in a sandbox of its own and resolves when it is about to run.
 * @throws CatwalkError `sandbox_unavailable` with bubblewrap's own words
 */
export async function runInBubblewrap(
  host: BubblewrapHost,
  command: ConfinedCommand,
  onRefused: (target: string, reason: string) => void,
  signal: AbortSignal,
): Promise<ConfinedProcess> {
  signal.throwIfAborted()
  const group = await host.controlGroups.create(command.label, command.limits)
  const child = spawnBubblewrap(host, command, group !== null)
  const exit = childExit(child)
  const state: SandboxState = { child, group, listener: null, proxy: null, firstPid: null }
  const ended = settleEnd(state, exit)
  const kill = (): void => killSandbox(state)
  const limit = AbortSignal.any([signal, AbortSignal.timeout(host.readyTimeoutMs)])
  try {
    state.firstPid = await untilAborted(limit, exit, firstProcess(pipe(child, DESCRIPTOR.info)))
    await group?.add(state.firstPid)
    pipe(child, DESCRIPTOR.block).end('\n')
    await untilAborted(limit, exit, initReady(state))
    if (state.listener !== null && command.dial !== null) {
      state.proxy = serveProxy(state.listener, { dial: command.dial, onRefused, ...PROXY_DEFAULTS })
    }
    await tellInit(child, Object.fromEntries(command.environment))
  } catch (error) {
    kill()
    const words = child.stderr === null ? '' : await firstWords(child.stderr)
    await ended
    signal.throwIfAborted()
    throw new CatwalkError(
      'sandbox_unavailable',
      `The sandbox did not start: ${words === '' ? messageOf(error) : words}`,
      { cause: error },
    )
  }
  return {
    ...standardStreams(child),
    ended,
    kill,
    terminate: async () => {
      if (state.firstPid === null) return
      for (const pid of await childrenOf(state.firstPid)) signalProcess(pid, 'SIGTERM')
    },
  }
}

interface SandboxState {
  readonly child: ChildProcess
  readonly group: ControlGroup | null
  /** Where the sandbox's proxy listens. */
  listener: Server | null
  proxy: Proxy | null
  /** The sandbox's own process 1, as the host numbers it. */
  firstPid: number | null
}

function spawnBubblewrap(
  host: BubblewrapHost,
  command: ConfinedCommand,
  limitedByGroup: boolean,
): ChildProcess {
  const { identity } = command
  const args = bubblewrapArgs({
    features: host.features,
    system: host.system,
    mounts: [
      { source: host.toolchain.directory, target: INSIDE.toolchain, writable: false },
      ...command.mounts,
    ],
    workingDirectory: command.workingDirectory,
    command: [
      ...(limitedByGroup ? [] : processLimits(command.limits)),
      INSIDE.node,
      '--disable-warning=ExperimentalWarning',
      INSIDE.init,
      String(command.dial === null ? 0 : INSIDE.proxyPort),
      ...command.nodeArguments,
    ],
  })
  const [file, ...rest] =
    identity === null
      ? [host.bubblewrap, ...args]
      : [
          host.setpriv,
          `--reuid=${identity.uid}`,
          `--regid=${identity.gid}`,
          '--clear-groups',
          '--no-new-privs',
          '--',
          host.bubblewrap,
          ...args,
        ]
  const filter = openSync(host.toolchain.seccompFilter, 'r')
  try {
    return spawn(file, rest, {
      cwd: '/',
      // Nothing of ours, and nothing of the server's either: its variables must not steer the programs that confine it.
      env: {},
      // A process group of its own, so that an interrupt typed at the terminal does not reach it.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe', 'ipc', filter, 'pipe', 'pipe'],
    })
  } finally {
    closeSync(filter)
  }
}

/** The process id in what bubblewrap writes about itself: `{"child-pid": 123, …}`. */
async function firstProcess(info: Readable): Promise<number> {
  return new Promise((resolve) => {
    let text = ''
    // Read to its end even when the number is known: bubblewrap would die of a closed pipe.
    info.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const match = /"child-pid":\s*(\d+)[,\s}]/.exec(text)
      if (match !== null) resolve(Number(match[1]))
    })
  })
}

async function initReady(state: SandboxState): Promise<void> {
  return new Promise((resolve) => {
    state.child.once('message', (_message, handle) => {
      if (handle instanceof Server) state.listener = handle
      resolve()
    })
  })
}

/** Gives the init the server's environment, which is its word to go. */
async function tellInit(child: ChildProcess, environment: Readonly<Record<string, string>>): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.send({ environment }, (error) => (error === null ? resolve() : reject(error)))
  })
}

async function untilAborted<T>(signal: AbortSignal, exit: Promise<ChildEnd>, value: Promise<T>): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(new Error('it took too long'))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  const exited = exit.then(({ exitCode, signal: endSignal }) => {
    throw new Error(`it ended at once, with ${endSignal ?? `exit code ${exitCode}`}`)
  })
  try {
    return await Promise.race([value, aborted, exited])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function killSandbox({ child, firstPid }: SandboxState): void {
  // With its process 1 goes everything in it, and bubblewrap sees to the rest.
  if (firstPid !== null && child.exitCode === null && child.signalCode === null)
    signalProcess(firstPid, 'SIGKILL')
  else child.kill('SIGKILL')
}

async function settleEnd(state: SandboxState, exit: Promise<ChildEnd>): Promise<ProcessEnd> {
  const { exitCode, signal } = await exit
  if (state.firstPid !== null) await untilGone(state.firstPid)
  state.proxy?.close()
  state.listener?.close()
  const outOfMemory = (await state.group?.ranOutOfMemory()) ?? false
  await state.group?.remove()
  return { ...decodeExit(exitCode, signal), outOfMemory }
}

const SIGNALS: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.signals).map(([name, number]) => [number, name]),
)

/** bubblewrap reports a program that a signal ended as exit code 128 + signal, as shells do. */
function decodeExit(
  exitCode: number | null,
  signal: string | null,
): { exitCode: number | null; signal: string | null } {
  const inner = exitCode === null ? undefined : SIGNALS.get(exitCode - 128)
  return inner === undefined ? { exitCode, signal } : { exitCode: null, signal: inner }
}

const WORDS_LIMIT = 2_000

async function firstWords(stderr: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stderr) {
    if (text.length < WORDS_LIMIT) text += String(chunk)
  }
  return text.slice(0, WORDS_LIMIT).trim()
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** A pipe of `stdio`; which way it goes is fixed where the child is spawned. */
function pipe(child: ChildProcess, descriptor: number): Duplex {
  const found = child.stdio[descriptor]
  // Whether it broke shows in what comes, or does not come, through it.
  if (found instanceof Duplex) return found.on('error', () => undefined)
  throw new Error(`descriptor ${descriptor} is not a pipe`)
}

function standardStreams(child: ChildProcess): Pick<ConfinedProcess, 'stdin' | 'stdout' | 'stderr'> {
  const { stdin, stdout, stderr } = child
  if (stdin === null || stdout === null || stderr === null)
    throw new Error('the child has no standard streams')
  // Writing to a program that has ended is not an error of ours; its end is reported by `ended`.
  stdin.on('error', () => undefined)
  return { stdin, stdout, stderr }
}
