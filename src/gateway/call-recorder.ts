import {
  latencyBucket,
  LATENCY_BOUNDS_MS,
  type CallRecord,
  type CallSheet,
  type Clock,
  type Logger,
  type UsageMinute,
} from '../domain/index.ts'

/** What was counted since the last time. */
export interface CallCounts {
  readonly minutes: readonly UsageMinute[]
  /** When each token was last used. */
  readonly uses: ReadonlyMap<string, Date>
}

export interface CallRecorder extends AsyncDisposable {
  add(call: CallRecord): void
  /** A token was used, whatever became of the call. */
  used(tokenId: string): void
}

export interface CallRecorderOptions {
  /** Of a size that is written at once. */
  readonly newSheet: () => CallSheet
  /** Writes all calls of a sheet, or none. */
  readonly writeCalls: (sheet: CallSheet) => Promise<void>
  readonly writeCounts: (counts: CallCounts) => Promise<void>
  readonly intervalMs?: number
  /** Sheets that wait to be written. More calls than are on them are counted, but not kept one by one. */
  readonly maxSheets?: number
  /** Minutes, methods, names and tokens told apart in one batch; beyond it, names are not. */
  readonly maxCounters?: number
  readonly clock: Clock
  readonly logger: Logger
}

interface Counter extends UsageMinute {
  calls: number
  errors: number
  readonly latency: number[]
}

const MINUTE_MS = 60_000
const MAX_LETTERS = 256

/** Whether a caller's text is longer than what is kept of it, or holds what no database column takes. */
function needsCare(text: string | null): boolean {
  return text !== null && (text.length > MAX_LETTERS || text.includes('\0'))
}

function keepable(text: string): string {
  // Written anew, because a slice would hold on to all of a text of megabytes.
  return Buffer.from(text.slice(0, MAX_LETTERS)).toString().replaceAll('\0', '\u{FFFD}')
}

function raise({ latency }: Counter, bucket: number, by: number): void {
  latency[bucket] = (latency[bucket] ?? 0) + by
}

/**
 * Collects in memory, and writes: calls by the sheet or at the interval, counts at the interval. What could not be written is
 * kept for the next time, within the same bounds.
 */
export function createCallRecorder(options: CallRecorderOptions): CallRecorder {
  const { newSheet, writeCalls, writeCounts, intervalMs = 3000, maxSheets = 80, maxCounters = 5000 } = options
  const { clock, logger } = options
  let sheet = newSheet()
  let full: CallSheet[] = []
  let spare: CallSheet | null = null
  let counters = new Map<string, Counter>()
  let last: Counter | null = null
  let uses = new Map<string, Date>()
  let dropped = 0
  let writing: Promise<void> = Promise.resolve()
  /** A sheet is being written, or could not be, and waits for the interval. */
  let isHeldUp = false

  function counterOf(minute: number, call: CallRecord, name: string): Counter {
    const { deploymentId, tokenId, method } = call
    // Most calls are like the one before them, and a key costs more than to see that.
    if (
      last !== null &&
      last.name === name &&
      last.method === (method ?? '') &&
      last.tokenId === (tokenId ?? '') &&
      last.deploymentId === deploymentId &&
      last.minute.getTime() === minute
    )
      return last
    const key = `${minute} ${deploymentId} ${tokenId ?? ''} ${method ?? ''} ${name}`
    const known = counters.get(key)
    if (known !== undefined) return (last = known)
    // Names come from callers, and one could make up new ones without end.
    if (counters.size >= maxCounters && name !== '') return counterOf(minute, call, '')
    const counter: Counter = {
      minute: new Date(minute),
      deploymentId,
      tokenId: tokenId ?? '',
      method: method ?? '',
      name,
      calls: 0,
      errors: 0,
      latency: [0, ...LATENCY_BOUNDS_MS].fill(0),
    }
    counters.set(key, counter)
    return (last = counter)
  }

  function keep(call: CallRecord): void {
    if (sheet.add(call)) return
    if (full.length === maxSheets) {
      dropped++
      return
    }
    turn()
    if (!sheet.add(call)) dropped++
    if (isHeldUp) return
    isHeldUp = true
    void next(writeSheets)
  }

  function turn(): void {
    full.push(sheet)
    sheet = spare ?? newSheet()
    spare = null
  }

  async function writeSheets(): Promise<void> {
    if (dropped > 0) logger.warn({ dropped }, 'more calls than can be kept one by one; they were counted')
    dropped = 0
    isHeldUp = true
    try {
      for (let first = full[0]; first !== undefined; first = full[0]) {
        await writeCalls(first)
        full.shift()
        first.clear()
        spare = first
      }
      isHeldUp = false
    } catch (error) {
      logger.warn({ err: error }, 'calls could not be written; they are kept for the next time')
    }
  }

  async function writeAll(): Promise<void> {
    await writeSheets()
    if (!isHeldUp && sheet.count > 0) {
      turn()
      await writeSheets()
    }
    if (counters.size === 0 && uses.size === 0) return
    const counts = { minutes: [...counters.values()], uses }
    const counted = counters
    counters = new Map()
    last = null
    uses = new Map()
    try {
      await writeCounts(counts)
    } catch (error) {
      logger.warn({ err: error }, 'calls could not be counted; that is kept for the next time')
      for (const [key, counter] of counted) merge(key, counter)
      for (const [id, at] of counts.uses) if (!uses.has(id)) uses.set(id, at)
    }
  }

  function merge(key: string, counter: Counter): void {
    const newer = counters.get(key)
    if (newer === undefined) {
      // While the database is away minutes go by; the oldest are given up.
      if (counters.size < 2 * maxCounters) counters.set(key, counter)
      return
    }
    newer.calls += counter.calls
    newer.errors += counter.errors
    for (const [bucket, count] of counter.latency.entries()) raise(newer, bucket, count)
  }

  // One after the other, so that a slow one is not overtaken.
  const next = (write: () => Promise<void>) => (writing = writing.then(write))
  const timer = setInterval(() => void next(writeAll), intervalMs)
  timer.unref()
  function add(call: CallRecord): void {
    const { method, name } = call
    if (needsCare(method) || needsCare(name)) {
      return add({ ...call, method: method && keepable(method), name: name && keepable(name) })
    }
    const counter = counterOf(Math.floor(call.at.getTime() / MINUTE_MS) * MINUTE_MS, call, name ?? '')
    counter.calls++
    if (call.outcome !== 'ok' && call.outcome !== 'cancelled') counter.errors++
    raise(counter, latencyBucket(call.durationMs), 1)
    // A caller that is turned away for calling too often must not fill the table.
    if (call.outcome !== 'limited') keep(call)
  }

  return {
    add,
    used: (tokenId) => void uses.set(tokenId, clock.now()),
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await next(writeAll)
    },
  }
}
