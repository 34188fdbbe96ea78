import { execFile } from 'node:child_process'
import { access, constants, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { CatwalkError, type RuntimeStatus } from '../../../domain/index.ts'
import {
  INSIDE,
  runUnsandboxed,
  type ConfinedCommand,
  type ConfinedProcess,
  type Confinement,
  type Identity,
  type Toolchain,
} from '../../confined/index.ts'
import { runInBubblewrap, type BubblewrapHost } from './bubblewrap.ts'
import type { ControlGroups } from './control-groups.ts'
import { hasInheritable } from './needs-init.ts'
import { bubblewrapFeatures, findSystemFiles } from './system-files.ts'
import { SECCOMP_FILTER } from './toolchain-files.ts'

export interface ConfinementOptions {
  readonly toolchain: Toolchain
  readonly controlGroups: ControlGroups
  /** Whether programs may run without a sandbox where there is none. */
  readonly allowUnsandboxed: boolean
  /** Where bubblewrap is looked for; tests look in a place where it is not. */
  readonly places?: readonly string[]
  /** This machine's, unless a test says otherwise. */
  readonly platform?: NodeJS.Platform
  /** Who the trial runs as. */
  readonly trialIdentity: Identity | null
}

const READY_TIMEOUT_MS = 30_000
const UNSANDBOXED = 'UNSANDBOXED: every server can read what this user can read, and reach its network'

export function createConfinement(options: ConfinementOptions): Confinement {
  let host: Promise<BubblewrapHost> | null = null
  let good: RuntimeStatus | null = null

  const findHost = async (): Promise<BubblewrapHost> => {
    host ??= describeHost(options)
    return host.catch((error: unknown) => {
      host = null
      throw error
    })
  }
  const trySandbox = async (signal: AbortSignal): Promise<RuntimeStatus> => {
    try {
      await runTrial(await findHost(), options.trialIdentity, signal)
      return { ok: true, detail: `bubblewrap; ${options.controlGroups.detail}` }
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof CatwalkError)) throw error
      return { ok: false, reason: error.message, fix: error.help }
    }
  }
  const status = async (signal: AbortSignal): Promise<RuntimeStatus> => {
    if (good !== null) return good
    const found = await trySandbox(signal)
    if (!found.ok)
      return options.allowUnsandboxed ? { ok: true, detail: `${UNSANDBOXED} (${found.reason})` } : found
    good = found
    return found
  }

  return {
    status,
    run: async (command, onRefused, signal) => {
      const found = await status(signal)
      if (!found.ok) throw new CatwalkError('sandbox_unavailable', found.reason, { help: found.fix })
      if (good === null) {
        return runUnsandboxed(options.toolchain, await findProgram('setpriv'), command, signal)
      }
      return runInBubblewrap(await findHost(), command, onRefused, signal)
    },
  }
}

async function describeHost(options: ConfinementOptions): Promise<BubblewrapHost> {
  const system = options.platform ?? process.platform
  if (system !== 'linux') {
    throw new CatwalkError(
      'sandbox_unavailable',
      `The sandbox of servers needs Linux, and this is ${system === 'darwin' ? 'macOS' : system}.`,
      {
        help: 'Run Catwalk in a Linux virtual machine, or servers in Kubernetes or at Fly; remote servers work here. See docs/sandbox.md.',
      },
    )
  }
  const bubblewrap = await findProgram('bwrap', options.places)
  if (bubblewrap === null)
    throw new CatwalkError('sandbox_unavailable', 'bubblewrap (bwrap) is not installed.')
  const setpriv = await findProgram('setpriv')
  if (setpriv === null && options.trialIdentity !== null) {
    throw new CatwalkError('sandbox_unavailable', 'setpriv is not installed.', {
      help: 'Install util-linux (Debian, Ubuntu: sudo apt-get install util-linux) and start Catwalk again.',
    })
  }
  if (options.trialIdentity !== null) await checkTraversable(options.toolchain.directory)
  const { stdout } = await promisify(execFile)(bubblewrap, ['--help'], { env: {}, timeout: 10_000 })
  return {
    bubblewrap,
    setpriv: setpriv ?? '',
    nsenter: await findProgram('nsenter'),
    features: bubblewrapFeatures(stdout),
    system: await findSystemFiles(options.toolchain.directory),
    toolchain: options.toolchain,
    seccompFilter: join(options.toolchain.directory, SECCOMP_FILTER),
    controlGroups: options.controlGroups,
    handsDown: hasInheritable(),
    readyTimeoutMs: READY_TIMEOUT_MS,
  }
}

/** Runs Node in a sandbox like those of servers, and asks it for nothing but to end well. */
async function runTrial(host: BubblewrapHost, identity: Identity | null, signal: AbortSignal): Promise<void> {
  const trial: ConfinedCommand = {
    label: `trial-${process.pid}-${Math.round(performance.now())}`,
    argv: [INSIDE.node, '--version'],
    argvIsPublic: true,
    environment: new Map(),
    files: [],
    workingDirectory: '/',
    mounts: [],
    identity,
    limits: { memoryMiB: 256, tasks: 64, cpus: 1, fileMiB: null },
    dial: null,
  }
  let run: ConfinedProcess
  try {
    run = await runInBubblewrap(host, trial, () => undefined, signal)
  } catch (error) {
    if (!(error instanceof CatwalkError)) throw error
    throw new CatwalkError('sandbox_unavailable', error.message, {
      help: await adviseOnNamespaces(),
      cause: error,
    })
  }
  run.stdin.end()
  run.stdout.resume()
  run.stderr.resume()
  const { exitCode, signal: endSignal } = await run.ended
  if (exitCode !== 0) {
    throw new CatwalkError(
      'sandbox_unavailable',
      `Node does not run in the sandbox (${endSignal ?? `exit code ${exitCode}`}).`,
      { help: 'Start Catwalk with debug logging and report what it says.' },
    )
  }
}

// Settings with which distributions switch off what an unprivileged sandbox is made of, and the value that means so.
const SWITCHES = [
  { name: 'kernel.unprivileged_userns_clone', off: '0', on: '1' },
  { name: 'kernel.apparmor_restrict_unprivileged_userns', off: '1', on: '0' },
  { name: 'user.max_user_namespaces', off: '0', on: '15000' },
] as const

async function adviseOnNamespaces(): Promise<string> {
  for (const { name, off, on } of SWITCHES) {
    const value = await readFile(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').catch(() => '')
    if (value.trim() === off) {
      return `User namespaces are switched off. Switch them on (sudo sysctl -w ${name}=${on}) and start Catwalk again.`
    }
  }
  return 'User namespaces do not work here. In a container, allow them as docs/docker-image.md says, or use another runtime.'
}

/** As root, servers run as other users: these must be able to pass through every directory above. */
async function checkTraversable(directory: string): Promise<void> {
  for (let path = directory; path !== dirname(path); path = dirname(path)) {
    if (((await stat(path)).mode & 0o001) === 0) {
      throw new CatwalkError(
        'sandbox_unavailable',
        `The data directory is under ${path}, which other users may not enter; servers run as other users.`,
        { help: 'Choose another place with CATWALK_DATA_DIR, such as /var/lib/catwalk.' },
      )
    }
  }
}

const PLACES: readonly string[] = ['/usr/bin', '/bin', '/usr/local/bin', '/run/current-system/sw/bin']

/** The places are fixed: what confines programs must not come from a search path. */
async function findProgram(name: string, places = PLACES): Promise<string | null> {
  for (const place of places) {
    const path = join(place, name)
    const executable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (executable) return path
  }
  return null
}
