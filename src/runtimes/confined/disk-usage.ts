import { execFile } from 'node:child_process'
import { statfs } from 'node:fs/promises'
import { promisify } from 'node:util'

const MEASURE_MS = 60_000
const LOOK_MS = 2_000
/** Files that shrink and grow by turns leave what is free as it is, so that it is not all to go by. */
const MEASURE_AGAIN_MS = 60_000
/** By how much less must be free for a directory to be measured. */
const NOTABLE_MIB = 16
const NOTABLE_FILES = 4_096
const MIB = 1024 * 1024
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
 * Watches how much a directory takes on disk. Every two seconds it asks its file system how much is free, which costs
 * next to nothing, and measures the directory when that has shrunk, and once a minute.
 * @param exceeded called once, when the directory takes more than `limitMiB`
 * @returns ends the watch
 */
export function guardDisk(directory: string, limitMiB: number, exceeded: () => void): () => void {
  const ended = new AbortController()
  const shrunkMiB = Math.min(NOTABLE_MIB, limitMiB / 4)
  let measured: Space | null = null
  let measureAgainAt = 0
  let timer: NodeJS.Timeout
  const look = async (): Promise<void> => {
    const space = await spaceOf(directory)
    const startedAt = performance.now()
    if (
      startedAt >= measureAgainAt &&
      (measured === null || space === null || isDue(space, measured, shrunkMiB))
    ) {
      const usedMiB = await diskUsageMiB(directory, ended.signal)
      if (ended.signal.aborted) return
      if (usedMiB !== null && usedMiB > limitMiB) return exceeded()
      measured = space
      measureAgainAt = performance.now() + (performance.now() - startedAt) * WAIT_FACTOR
    }
    if (!ended.signal.aborted) timer = setTimeout(() => void look(), LOOK_MS)
  }
  timer = setTimeout(() => void look(), LOOK_MS)
  return () => {
    clearTimeout(timer)
    ended.abort()
  }
}

/** What is free where a directory is, and when that was. */
interface Space {
  readonly freeMiB: number
  readonly freeFiles: number
  readonly at: number
}

/** Null where the file system does not tell: then the directory is measured each time. */
async function spaceOf(directory: string): Promise<Space | null> {
  const found = await statfs(directory).catch(() => null)
  if (found === null) return null
  return { freeMiB: (found.bavail * found.bsize) / MIB, freeFiles: found.ffree, at: performance.now() }
}

function isDue(now: Space, before: Space, byMiB: number): boolean {
  if (now.at - before.at >= MEASURE_AGAIN_MS) return true
  return before.freeMiB - now.freeMiB >= byMiB || before.freeFiles - now.freeFiles >= NOTABLE_FILES
}

function outputOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'stdout' in error ? String(error.stdout) : ''
}
