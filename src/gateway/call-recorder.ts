import {
  latencyBucket,
  LATENCY_BOUNDS_MS,
  type CallRecord,
  type Clock,
  type Logger,
  type UsageMinute,
} from '../domain/index.ts'

/** What was collected since the last batch. */
export interface CallBatch {
  readonly calls: readonly CallRecord[]
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
  readonly flush: (batch: CallBatch) => Promise<void>
  readonly intervalMs?: number
  /** So many calls are handed over at once, without waiting for the interval: a large batch takes memory and holds up calls. */
  readonly batchCalls?: number
  /** Calls that wait to be written. More are counted, but not kept one by one. */
  readonly maxCalls?: number
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

/** Collects in memory and hands over in batches. A batch that fails is kept for the next time, within the same bounds. */
export function createCallRecorder(options: CallRecorderOptions): CallRecorder {
  const { flush, intervalMs = 3000, batchCalls = 1000, maxCalls = 20_000, maxCounters = 5000 } = options
  const { clock, logger } = options
  let calls: CallRecord[] = []
  let counters = new Map<string, Counter>()
  let uses = new Map<string, Date>()
  let dropped = 0
  let writing: Promise<void> = Promise.resolve()
  /** What is handed over right now, or could not be, and waits for the interval. */
  let isHeldUp = false

  function counterOf(minute: number, call: CallRecord, name: string): Counter {
    const { deploymentId, tokenId, method } = call
    const key = `${minute} ${deploymentId} ${tokenId ?? ''} ${method ?? ''} ${name}`
    const known = counters.get(key)
    if (known !== undefined) return known
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
    return counter
  }

  function keep(call: CallRecord): void {
    if (calls.length < maxCalls) calls.push(call)
    else dropped++
  }

  async function write(): Promise<void> {
    isHeldUp = calls.length > 0 || counters.size > 0 || uses.size > 0
    if (!isHeldUp) return
    const batch = { calls, minutes: [...counters.values()], uses }
    const written = counters
    calls = []
    counters = new Map()
    uses = new Map()
    if (dropped > 0) logger.warn({ dropped }, 'more calls than can be kept one by one; they were counted')
    dropped = 0
    try {
      await flush(batch)
      isHeldUp = false
    } catch (error) {
      logger.warn({ err: error }, 'calls could not be written; they are kept for the next time')
      for (const call of batch.calls) keep(call)
      for (const [key, counter] of written) merge(key, counter)
      for (const [id, at] of batch.uses) if (!uses.has(id)) uses.set(id, at)
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

  // Batches are written one after the other, so that a slow one is not overtaken.
  const next = () => (writing = writing.then(write))
  const timer = setInterval(() => void next(), intervalMs)
  timer.unref()
  function add(call: CallRecord): void {
    const { method, name } = call
    if (needsCare(method) || needsCare(name)) {
      return add({ ...call, method: method && keepable(method), name: name && keepable(name) })
    }
    const minute = Math.floor(call.at.getTime() / MINUTE_MS) * MINUTE_MS
    const counter = counterOf(minute, call, name ?? '')
    counter.calls++
    if (call.outcome !== 'ok' && call.outcome !== 'cancelled') counter.errors++
    raise(counter, latencyBucket(call.durationMs), 1)
    // A caller that is turned away for calling too often must not fill the table.
    if (call.outcome !== 'limited') keep(call)
    if (calls.length < batchCalls || isHeldUp) return
    isHeldUp = true
    void next()
  }

  return {
    add,
    used: (tokenId) => void uses.set(tokenId, clock.now()),
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await next()
    },
  }
}
