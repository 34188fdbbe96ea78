import { CatwalkError, type LineSink } from '../../../domain/index.ts'
import {
  dialListed,
  dialPublic,
  publicNetwork,
  systemNetwork,
  type Dial,
  type Network,
} from '../../../network/index.ts'
import type { Identity } from '../identities.ts'
import { readLines } from '../lines.ts'
import { INSIDE, type Mount } from '../command.ts'
import type { ProcessEnd } from '../process.ts'
import type { Confinement } from '../confinement.ts'
import { confinedEnvironment } from '../environment.ts'
import { guardDisk } from '../disk-usage.ts'
import type { Work } from './work.ts'

/** One program of an installation. Paths are as it sees them. */
export interface Step {
  readonly name: string
  readonly argv: readonly string[]
  readonly environment: ReadonlyMap<string, string>
  /** Besides the tree, which every step sees and may write to. */
  readonly mounts: readonly Mount[]
  /** Relative to the tree; the tree itself when left out. */
  readonly folder?: string
  /** `host:port` that it may connect to. */
  readonly origins: Iterable<string>
  /** Whether it may connect to every public address besides: for scripts, which bring what they need from anywhere. */
  readonly internet?: boolean
}

export interface StepResult {
  readonly end: ProcessEnd
  /** The last lines of what it said. */
  readonly lines: readonly string[]
}

export type RunStep = (work: Work, step: Step, output: LineSink, signal: AbortSignal) => Promise<StepResult>

export interface StepOptions {
  readonly confinement: Confinement
  readonly identity: Identity | null
  /** Further `host:port` that installations may connect to. */
  readonly extraOrigins: readonly string[]
  /** What the work may take on disk while a step goes on. */
  readonly diskMiB: number
  readonly network?: Network
}

const LIMITS = { memoryMiB: 2_048, tasks: 512, cpus: 2, fileMiB: null } as const
const KEPT_LINES = 200

/**
 * Makes what runs the steps of installations, each in a sandbox of its own. Resolves with the end, good or bad.
 * It throws CatwalkError `sandbox_unavailable`, `install_failed` when it takes too much disk, and the signal's reason.
 */
export function createRunStep(options: StepOptions): RunStep {
  return async (work, step, output, signal) => {
    const lines: string[] = []
    const onLine = (line: string): void => {
      // Installers set their messages apart by empty lines.
      if (line.trim() === '') return
      lines.push(line)
      if (lines.length > KEPT_LINES) lines.shift()
      output('stderr', line)
    }
    const run = await options.confinement.run(
      {
        label: `install-${work.directory.slice(-6)}-${step.name}`,
        argv: step.argv,
        files: [],
        environment: confinedEnvironment(step.environment, { home: '/tmp', proxy: 'registries' }),
        workingDirectory: step.folder === undefined ? INSIDE.package : `${INSIDE.package}/${step.folder}`,
        mounts: [{ source: work.tree, target: INSIDE.package, writable: true }, ...step.mounts],
        identity: options.identity,
        limits: LIMITS,
        dial: dialFor(options, step),
      },
      (target, reason) =>
        output('system', `The installation was refused a connection to ${target}: ${reason}.`),
      signal,
    )
    const kill = (): void => run.kill()
    signal.addEventListener('abort', kill, { once: true })
    let tooLarge = false
    const endGuard = guardDisk(work.directory, options.diskMiB, () => {
      tooLarge = true
      kill()
    })
    try {
      if (signal.aborted) kill()
      run.stdin.end()
      const [end] = await Promise.all([
        run.ended,
        readLines(run.stdout, onLine),
        readLines(run.stderr, onLine),
      ])
      signal.throwIfAborted()
      if (tooLarge) {
        throw new CatwalkError(
          'install_failed',
          `The installation takes more than ${options.diskMiB} MiB of disk.`,
        )
      }
      return { end, lines }
    } finally {
      endGuard()
      signal.removeEventListener('abort', kill)
    }
  }
}

function dialFor({ extraOrigins, network }: StepOptions, { origins, internet }: Step): Dial {
  const listed = new Set([...origins, ...extraOrigins])
  const toListed = dialListed(listed, network ?? systemNetwork)
  if (internet !== true) return toListed
  const toPublic = dialPublic(network ?? publicNetwork)
  return async (host, port, signal) =>
    (listed.has(`${host.toLowerCase()}:${port}`) ? toListed : toPublic)(host, port, signal)
}
