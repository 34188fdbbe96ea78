import type { AnalysisWarning } from '../domain/index.ts'

/** What one analysis may read, and what had to be left out. */
export interface Budget {
  /** Takes the bytes of a file from what is left; false, with a warning, when it is too large or too much. */
  take(path: string, bytes: number, maxBytes: number): boolean
  warn(warning: AnalysisWarning): void
  readonly warnings: readonly AnalysisWarning[]
}

const TOTAL_BYTES = 96 * 1024 * 1024

export function createBudget(totalBytes = TOTAL_BYTES): Budget {
  let left = totalBytes
  const warnings = new Map<string, AnalysisWarning>()
  const warn = (warning: AnalysisWarning): void => {
    if (warnings.size < 50) warnings.set(`${warning.code} ${warning.message}`, warning)
  }
  return {
    take: (path, bytes, maxBytes) => {
      if (bytes > maxBytes) {
        warn({
          code: 'file_too_large',
          message: `${path} is too large to read (${String(Math.ceil(bytes / 1024))} KiB).`,
        })
        return false
      }
      if (bytes > left) {
        warn({
          code: 'too_much_to_read',
          message: 'The source has more code than an analysis reads; the rest was left out.',
        })
        return false
      }
      left -= bytes
      return true
    },
    warn,
    get warnings() {
      return [...warnings.values()]
    },
  }
}
