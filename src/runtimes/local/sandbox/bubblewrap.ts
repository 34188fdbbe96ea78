import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { Socket as DatagramSocket } from 'node:dgram'
import { Server } from 'node:net'
import { promisify } from 'node:util'
import { anySignal, CatwalkError } from '../../../domain/index.ts'
import {
  INSIDE,
  createResolver,
  decodeExit,
  PROXY_DEFAULTS,
  serveProxy,
  type ConfinedCommand,
  type ConfinedProcess,
  type ProcessEnd,
  type Proxy,
  type Toolchain,
} from '../../confined/index.ts'
import { bubblewrapArgs, DESCRIPTOR, environmentWords } from './bubblewrap-args.ts'
import {
  firstProcess,
  pipe,
  standardStreams,
  tellInit,
  untilAborted,
  untilTaken,
  wordsOf,
} from './bubblewrap-channels.ts'
import {
  childExit,
  type ChildEnd,
  childrenOf,
  cpuMsOf,
  signalProcess,
  untilGone,
  untilGroupGone,
} from '../../confined/index.ts'
import type { ControlGroup, ControlGroups } from './control-groups.ts'
import { needsInit } from './needs-init.ts'
import { processLimits } from './process-limits.ts'
import type { BubblewrapFeatures, SystemFiles } from './system-files.ts'
import { INIT } from './toolchain-files.ts'

/** What is the same for every sandbox of this host. */
export interface BubblewrapHost {
  readonly bubblewrap: string
  /** setpriv of util-linux; needed to become another user. */
  readonly setpriv: string
  /** nsenter of util-linux; without it, or without being root, programs that know no proxies reach nothing. */
  readonly nsenter: string | null
  readonly features: BubblewrapFeatures
  readonly system: SystemFiles
  readonly toolchain: Toolchain
  /** The system calls that are refused, as a file. */
  readonly seccompFilter: string
  readonly controlGroups: ControlGroups
  /** Whether we were started with descriptors that would reach every program that we start. */
  readonly handsDown: boolean
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
  const viaInit = needsInit(command, host.handsDown)
  const child = spawnBubblewrap(host, command, { limitedByGroup: group !== null, viaInit })
  const exit = childExit(child)
  const state: SandboxState = { child, group, handles: new Map(), proxy: null, firstPid: null }
  const ended = settleEnd(state, exit)
  const kill = (): void => killSandbox(state)
  const words = wordsOf(child)
  const limit = anySignal([signal, AbortSignal.timeout(host.readyTimeoutMs)])
  try {
    if (!viaInit) pipe(child, DESCRIPTOR.environment).end(environmentWords(command.environment))
    state.firstPid = await untilAborted(limit, exit, firstProcess(pipe(child, DESCRIPTOR.info)))
    await Promise.all([
      group?.add(state.firstPid),
      command.relay === undefined ? null : openLowPorts(host.nsenter, state.firstPid),
    ])
    const block = pipe(child, DESCRIPTOR.block)
    const next = viaInit ? initReady(state) : untilTaken(block)
    block.end('\n')
    await untilAborted(limit, exit, next)
    words.leave()
    if (viaInit) {
      startProxy(state, command, onRefused)
      await tellInit(child, command)
    }
  } catch (error) {
    kill()
    const said = await words.read()
    await ended
    signal.throwIfAborted()
    throw new CatwalkError(
      'sandbox_unavailable',
      `The sandbox did not start: ${said === '' ? messageOf(error) : said}`,
      { cause: error },
    )
  }
  return {
    ...standardStreams(child),
    ended,
    kill,
    memoryMiB: async () => (await group?.memoryMiB()) ?? null,
    cpuMs: async () => (state.firstPid === null ? null : cpuMsOf(state.firstPid)),
    terminate: async () => {
      if (state.firstPid === null) return
      for (const pid of await childrenOf(state.firstPid)) signalProcess(pid, 'SIGTERM')
    },
  }
}

interface SandboxState {
  readonly child: ChildProcess
  readonly group: ControlGroup | null
  /** The sockets that were opened inside: `proxy`, `names`, `relay:PORT`. */
  readonly handles: Map<string, Server | DatagramSocket>
  proxy: Proxy | null
  /** The sandbox's own process 1, as the host numbers it. */
  firstPid: number | null
}

function spawnBubblewrap(
  host: BubblewrapHost,
  command: ConfinedCommand,
  { limitedByGroup, viaInit }: { readonly limitedByGroup: boolean; readonly viaInit: boolean },
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
      ...processLimits(command.limits, limitedByGroup),
      ...(viaInit ? initCommand(command) : command.argv),
    ],
    readsEnvironment: !viaInit,
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
  const filter = openSync(host.seccompFilter, 'r')
  try {
    return spawn(file, rest, {
      cwd: '/',
      // Nothing of ours, and nothing of the server's either: its variables must not steer the programs that confine it.
      env: {},
      // A process group of its own, so that an interrupt typed at the terminal does not reach it.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe', viaInit ? 'ipc' : 'pipe', filter, 'pipe', 'pipe'],
    })
  } finally {
    closeSync(filter)
  }
}

function initCommand({ dial, relay }: ConfinedCommand): string[] {
  return [
    INSIDE.node,
    '--disable-warning=ExperimentalWarning',
    INIT,
    String(dial === null ? 0 : INSIDE.proxyPort),
    ...(relay === undefined ? [] : [relay.ports.join(',')]),
  ]
}

async function initReady(state: SandboxState): Promise<void> {
  return new Promise((resolve) => {
    state.child.on('message', (message, handle) => {
      if (message === 'ready') resolve()
      else if (typeof message === 'string' && (handle instanceof Server || handle instanceof DatagramSocket))
        state.handles.set(message, handle)
    })
  })
}

function startProxy(
  state: SandboxState,
  { dial, relay }: ConfinedCommand,
  onRefused: (target: string, reason: string) => void,
): void {
  const listener = state.handles.get('proxy')
  if (!(listener instanceof Server) || dial === null) return
  const resolver = relay === undefined ? {} : { resolver: createResolver(relay.names) }
  const proxy = serveProxy(listener, { dial, onRefused, ...resolver, ...PROXY_DEFAULTS })
  for (const [name, handle] of state.handles) {
    if (handle instanceof DatagramSocket) proxy.answerNames(handle)
    else if (name.startsWith('relay:')) proxy.relay(handle, Number(name.slice('relay:'.length)))
  }
  state.proxy = proxy
}

const OPEN_LOW_PORTS = 'echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start'

/**
 * Lets programs without privileges open the ports below 1024, in the network of one sandbox only. Where that cannot be
 * done they are not opened.
 */
async function openLowPorts(nsenter: string | null, pid: number): Promise<void> {
  if (nsenter === null || process.getuid?.() !== 0) return
  const args = [`--net=/proc/${pid}/ns/net`, '--', '/bin/sh', '-c', OPEN_LOW_PORTS]
  await promisify(execFile)(nsenter, args, { env: {}, timeout: 5_000 }).catch(() => undefined)
}

function killSandbox({ child, firstPid }: SandboxState): void {
  // With its process 1 goes everything in it, and bubblewrap sees to the rest.
  if (firstPid !== null && child.exitCode === null && child.signalCode === null)
    signalProcess(firstPid, 'SIGKILL')
  // Until it has told us of its process 1, that one is in its group, and would wait for ever for the word to go.
  else if (child.pid !== undefined) signalProcess(-child.pid, 'SIGKILL')
}

async function settleEnd(state: SandboxState, exit: Promise<ChildEnd>): Promise<ProcessEnd> {
  const { exitCode, signal } = await exit
  if (state.firstPid !== null) await untilGone(state.firstPid)
  else if (state.child.pid !== undefined) await untilGroupGone(state.child.pid)
  state.proxy?.close()
  if (state.proxy === null) for (const handle of state.handles.values()) handle.close()
  const outOfMemory = (await state.group?.ranOutOfMemory()) ?? false
  await state.group?.remove()
  return { ...decodeExit(exitCode, signal), outOfMemory }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
