import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const INTERVAL_MS = 2_000

/**
 * Watches how much a directory takes on disk.
 * @param exceeded called once, when it is more than `limitMiB`
 * @returns ends the watch
 */
export function guardDisk(directory: string, limitMiB: number, exceeded: () => void): () => void {
  const ended = new AbortController()
  const look = async (): Promise<void> => {
    // The directory changes while it is counted, which du reports and which does not matter.
    const { stdout } = await promisify(execFile)('du', ['-sk', directory], {
      signal: ended.signal,
      timeout: 60_000,
    }).catch((error: unknown) => ({ stdout: outputOf(error) }))
    const kib = Number(/^\d+/.exec(stdout)?.[0] ?? 0)
    if (ended.signal.aborted) return
    if (kib > limitMiB * 1024) exceeded()
    else timer = setTimeout(() => void look(), INTERVAL_MS)
  }
  let timer = setTimeout(() => void look(), INTERVAL_MS)
  return () => {
    clearTimeout(timer)
    ended.abort()
  }
}

function outputOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'stdout' in error ? String(error.stdout) : ''
}
