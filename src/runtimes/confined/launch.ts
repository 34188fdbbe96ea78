import type { Launch, ServerProcess } from '../../bridge/index.ts'
import type { InstanceEnd, LineSink } from '../../domain/index.ts'
import { readLines } from './lines.ts'
import type { ConfinedCommand } from './command.ts'
import type { ConfinedProcess, ProcessEnd } from './process.ts'
import type { Confinement } from './confinement.ts'
import type { OverHttp } from './over-http.ts'

/** How long a server may take to end after SIGTERM. */
const TERMINATE_MS = 1_000
/** How long the last output may take to arrive after the end. */
const LAST_OUTPUT_MS = 1_000
/** Refused connections that are named in the log, so that a server cannot fill it. */
const REFUSALS_SHOWN = 50

/** Watches over a process while it runs. @returns ends the watch */
export type GuardHome = (isFull: () => void) => () => void

/**
 * Starts processes of one server. Its stderr goes to `output` line by line, whether anybody wants it or not; stdin and
 * stdout are the bridge's.
 * @param http for servers that serve HTTP themselves
 */
export function createLaunch(
  confinement: Pick<Confinement, 'run'>,
  command: (count: number) => ConfinedCommand,
  output: LineSink,
  guardHome: GuardHome = () => () => undefined,
  http: OverHttp | null = null,
): Launch {
  let count = 0
  const refused = new Set<string>()
  let refusals = 0
  const onRefused = (target: string, reason: string): void => {
    refusals += 1
    if (refused.has(target) || refused.size >= REFUSALS_SHOWN) return
    refused.add(target)
    output('system', `The server was refused a connection to ${target}: ${reason}.`)
    if (refused.size === REFUSALS_SHOWN) output('system', 'Further refused connections are not shown.')
  }
  const tellRefusals = async ({ ended }: ServerProcess): Promise<void> => {
    await ended
    if (refusals > 0) output('system', `Refused connections in all: ${refusals}.`)
    refusals = 0
  }
  return async (signal) => {
    count += 1
    const run = await confinement.run(command(count), onRefused, signal)
    const process = toServerProcess(run, output, guardHome)
    void tellRefusals(process)
    if (http === null || run.way === undefined) return process
    // What it prints is no message.
    void readLines(run.stdout, (line) => output('stdout', line))
    return http(process, run.way)
  }
}

function toServerProcess(run: ConfinedProcess, output: LineSink, guardHome: GuardHome): ServerProcess {
  let stopping: Promise<void> | null = null
  let heapExhausted = false
  let isHomeFull = false
  const endGuard = guardHome(() => {
    isHomeFull = true
    run.kill()
  })
  const stderrRead = readLines(run.stderr, (line) => {
    heapExhausted ||= line.includes('JavaScript heap out of memory')
    output('stderr', line)
  })
  const ended = (async (): Promise<InstanceEnd> => {
    const end = await run.ended
    endGuard()
    // The last words come before the news that it is over.
    await within(LAST_OUTPUT_MS, stderrRead)
    return isHomeFull ? homeFull(end) : describe(end, stopping !== null, heapExhausted)
  })()

  const stop = async (graceMs: number): Promise<void> => {
    run.stdin.end()
    if (await within(graceMs, run.ended)) return
    await run.terminate()
    if (await within(TERMINATE_MS, run.ended)) return
    run.kill()
    await run.ended
  }
  return {
    stdin: run.stdin,
    stdout: run.stdout,
    ended,
    stop: async (graceMs) => {
      stopping ??= stop(graceMs)
      await stopping
      await ended
    },
  }
}

function homeFull({ exitCode, signal }: ProcessEnd): InstanceEnd {
  return { reason: 'home_full', exitCode, signal }
}

function describe(end: ProcessEnd, stopped: boolean, heapExhausted: boolean): InstanceEnd {
  const { exitCode, signal } = end
  // Node ends itself by a signal (SIGABRT or SIGTRAP) when its heap is full, before the kernel has to.
  if (end.outOfMemory || (heapExhausted && signal !== null)) {
    return { reason: 'out_of_memory', exitCode, signal }
  }
  return { reason: stopped ? 'stopped' : 'exited', exitCode, signal }
}

/** Whether `promise` settled within the time. */
async function within(limitMs: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs)
  })
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
