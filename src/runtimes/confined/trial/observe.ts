import type { CatwalkError, Boot, LineSink, Manifest } from '../../../domain/index.ts'
import type { Confinement } from '../confinement.ts'

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
const MEMORY_INTERVAL_MS = 200

/** A server that prints more than this at its start has no other aim. */
export const FLOOD_BYTES = 16 * 1024 * 1024

/** A confinement that remembers how much memory what it runs has held. */
export function watchMemory(confinement: Confinement): {
  readonly confinement: Confinement
  sample(): Promise<void>
  peakMiB(): number | null
  stop(): void
} {
  let peak: number | null = null
  let held: (() => Promise<number | null>) | null = null
  const sample = async (): Promise<void> => {
    const now = (await held?.()) ?? 0
    if (now > (peak ?? 0)) peak = now
  }
  const timer = setInterval(() => void sample(), MEMORY_INTERVAL_MS)
  return {
    confinement: {
      status: async (signal) => confinement.status(signal),
      run: async (...what) => {
        const run = await confinement.run(...what)
        held = async () => run.memoryMiB()
        return run
      },
    },
    sample,
    peakMiB: () => peak,
    stop: () => clearInterval(timer),
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
