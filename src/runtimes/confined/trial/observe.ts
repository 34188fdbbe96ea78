import type { CatwalkError, Boot, LineSink, Manifest } from '../../../domain/index.ts'
import type { Confinement } from '../confinement.ts'
import type { ConfinedProcess } from '../process.ts'

/** What one boot showed. */
export interface Observed {
  readonly boot: Boot
  readonly manifest: Manifest | null
  readonly initializeMs: number | null
  readonly peakMemoryMiB: number | null
  readonly strayLines: number
  /** Its last output. */
  readonly lines: readonly string[]
  readonly error: CatwalkError | null
  /** It printed without end, so that there is no use in trying again. */
  readonly flooded: boolean
}

const KEPT_LINES = 60
const KEPT_LETTERS = 2_000
const SAMPLE_INTERVAL_MS = 200
/**
 * What does next to nothing for so long waits for something that does not come: a trial reaches nobody, and nobody
 * answers a question. A start that takes its time works meanwhile.
 */
const IDLE_MS = 3_000
const IDLE_SHARE = 0.02

/** A server that prints more than this at its start has no other aim. */
export const FLOOD_BYTES = 16 * 1024 * 1024

/** A confinement that remembers how much memory what it runs has held, and notices when it does nothing any more. */
export function watch(confinement: Confinement): {
  readonly confinement: Confinement
  sample(): Promise<void>
  peakMiB(): number | null
  /** Not where nobody knows what it does. */
  readonly idle: AbortSignal
  stop(): void
} {
  let peak: number | null = null
  let watched: ConfinedProcess | null = null
  const idle = new AbortController()
  const busy = createIdleness({ idleMs: IDLE_MS, share: IDLE_SHARE })
  const sample = async (): Promise<void> => {
    const [held, used] = await Promise.all([watched?.memoryMiB(), watched?.cpuMs?.()])
    if ((held ?? 0) > (peak ?? 0)) peak = held ?? null
    if (typeof used === 'number' && busy.isIdle(used, performance.now()))
      idle.abort(new Error('it waits for something'))
  }
  const timer = setInterval(() => void sample(), SAMPLE_INTERVAL_MS)
  return {
    confinement: {
      status: async (signal) => confinement.status(signal),
      run: async (...what) => {
        const run = await confinement.run(...what)
        watched = run
        return run
      },
    },
    sample,
    peakMiB: () => peak,
    idle: idle.signal,
    stop: () => clearInterval(timer),
  }
}

/**
 * Tells from samples of the processor time that a program has used whether it has been idle for so long.
 * @param share of one processor; less is nothing
 */
export function createIdleness({ idleMs, share }: { readonly idleMs: number; readonly share: number }): {
  isIdle(usedMs: number, nowMs: number): boolean
} {
  const samples: { readonly usedMs: number; readonly nowMs: number }[] = []
  return {
    isIdle: (usedMs, nowMs) => {
      samples.push({ usedMs, nowMs })
      // The newest of those that are old enough, and all after it.
      while ((samples[1]?.nowMs ?? Infinity) <= nowMs - idleMs) samples.shift()
      const [before] = samples
      const passedMs = nowMs - (before?.nowMs ?? nowMs)
      return passedMs >= idleMs && usedMs - (before?.usedMs ?? 0) < passedMs * share
    },
  }
}

/** Keeps the last lines, counts those on standard output, and notices a flood. */
export function listen(output: LineSink): {
  readonly sink: LineSink
  readonly lines: readonly string[]
  strayLines(): number
  readonly flooded: AbortSignal
} {
  const lines: string[] = []
  const flooded = new AbortController()
  let letters = 0
  let strayLines = 0
  return {
    lines,
    strayLines: () => strayLines,
    flooded: flooded.signal,
    sink: (stream, line) => {
      letters += line.length
      if (letters > FLOOD_BYTES) return flooded.abort(new Error('it prints without end'))
      if (stream === 'stdout') strayLines += 1
      if (stream !== 'system') {
        lines.push(line.slice(0, KEPT_LETTERS))
        if (lines.length > KEPT_LINES) lines.shift()
      }
      output(stream, line)
    },
  }
}

/** Passes on so many lines and no more. */
export function limitOutput(output: LineSink, limit: number): LineSink {
  let left = limit
  return (stream, line) => {
    left -= 1
    if (left >= 0) output(stream, line)
    else if (left === -1) output('system', 'Further output of the trial is not shown.')
  }
}
