import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const MEASURE_MS = 60_000
const SHORTEST_WAIT_MS = 2_000
/** Of the time, how much is spent measuring at most: a twentieth. */
const WAIT_FACTOR = 20

/**
 * What a directory takes on disk, in MiB; a file counts as one KiB more than its content, so that many empty ones count
 * as well. Null when it cannot be told.
 */
export async function diskUsageMiB(directory: string, signal: AbortSignal): Promise<number | null> {
  const [kib, files] = await Promise.all([
    du(['-sk', directory], signal),
    du(['-s', '--inodes', directory], signal),
  ])
  return kib === null ? null : (kib + (files ?? 0)) / 1024
}

/** The number that `du` says. What changes while it is counted is reported as a failure, and does not matter. */
async function du(args: readonly string[], signal: AbortSignal): Promise<number | null> {
  const { stdout } = await promisify(execFile)('du', args, { signal, timeout: MEASURE_MS }).catch(
    (error: unknown) => ({ stdout: outputOf(error) }),
  )
  const digits = /^\d+/.exec(stdout)?.[0]
  return digits === undefined ? null : Number(digits)
}

/**
 * Watches how much a directory takes on disk, from now on and at the latest every two seconds, where measuring does not
 * take longer.
 * @param exceeded called once, when it is more than `limitMiB`
 * @returns ends the watch
 */
export function guardDisk(directory: string, limitMiB: number, exceeded: () => void): () => void {
  const ended = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const look = async (): Promise<void> => {
    const startedAt = performance.now()
    const usedMiB = await diskUsageMiB(directory, ended.signal)
    if (ended.signal.aborted) return
    if (usedMiB !== null && usedMiB > limitMiB) return exceeded()
    const waitMs = Math.max(SHORTEST_WAIT_MS, (performance.now() - startedAt) * WAIT_FACTOR)
    timer = setTimeout(() => void look(), waitMs)
  }
  void look()
  return () => {
    clearTimeout(timer)
    ended.abort()
  }
}

function outputOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'stdout' in error ? String(error.stdout) : ''
}
