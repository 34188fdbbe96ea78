import { queries } from '../../db/index.ts'
import type { Logger, LogLine, LogWriter } from '../../domain/index.ts'

const FLUSH_MS = 150
const LONGEST_LINE = 8192
// A server that prints without end must fill neither memory nor the database.
const LINES_PER_FLUSH_AND_DEPLOYMENT = 500

/** A log writer that owns a timer; disposing writes what is left. */
export interface BatchedLogWriter extends LogWriter, AsyncDisposable {
  /** Resolves when every line appended before the call is stored, or was given up after an error. */
  flush(): Promise<void>
}

/**
 * Collects lines and writes them in batches, each with one statement. More than 500 lines of a deployment within a
 * flush interval of 150 ms are dropped, and their number is written instead.
 */
export function createLogWriter(db: queries.Handle, logger: Logger): BatchedLogWriter {
  let waiting: LogLine[] = []
  let counts = new Map<string, { kept: number; dropped: LogLine | null; droppedCount: number }>()
  let timer: NodeJS.Timeout | null = null
  let writing: Promise<void> = Promise.resolve()

  function take(): LogLine[] {
    const lines = waiting
    for (const { dropped, droppedCount } of counts.values()) {
      if (dropped === null) continue
      lines.push({
        ...dropped,
        stream: 'system',
        line: `${droppedCount} more lines came too fast and were dropped.`,
      })
    }
    waiting = []
    counts = new Map()
    return lines
  }

  async function write(): Promise<void> {
    const lines = take()
    if (lines.length === 0) return
    try {
      await db.transaction().execute(async (tx) => {
        await queries.insertLogLines(tx, lines)
        for (const id of new Set(lines.map((line) => line.deploymentId)))
          await queries.announce(tx, 'feed', id)
      })
    } catch (error) {
      logger.warn({ err: error, lines: lines.length }, 'log lines could not be stored')
    }
  }

  function flush(): Promise<void> {
    if (timer !== null) clearTimeout(timer)
    timer = null
    writing = writing.then(write)
    return writing
  }

  return {
    append(line) {
      const count = counts.get(line.deploymentId) ?? { kept: 0, dropped: null, droppedCount: 0 }
      counts.set(line.deploymentId, count)
      timer ??= setTimeout(() => void flush(), FLUSH_MS)
      if (count.kept >= LINES_PER_FLUSH_AND_DEPLOYMENT) {
        count.dropped = line
        count.droppedCount += 1
        return
      }
      count.kept += 1
      waiting.push({ ...line, line: storable(line.line) })
    },
    flush,
    [Symbol.asyncDispose]: flush,
  }
}

/** PostgreSQL's text takes no NUL, and UTF-8 no lone surrogates. */
function storable(line: string): string {
  const short =
    line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}… (${line.length} characters)` : line
  return short.replaceAll('\0', '\u{FFFD}').toWellFormed()
}
