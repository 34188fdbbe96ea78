import { beginOf, type Logger } from '../domain/index.ts'
import type { queries } from '../db/index.ts'
import type { InstanceRegistry, Running } from './instances.ts'

const HOUR_MS = 3_600_000

export interface AwakeMeterOptions {
  readonly instances: Pick<InstanceRegistry, 'all'>
  /** Adds to what was stored before. */
  readonly flush: (times: readonly queries.AwakeTime[]) => Promise<void>
  readonly logger: Logger
  readonly lookEveryMs?: number
  /** What a crash may lose. */
  readonly flushEveryMs?: number
  /** Any clock that only goes forward, in milliseconds; the one of `Running.readyAt`. */
  readonly elapsedMs?: () => number
  readonly now?: () => Date
}

/**
 * Measures how long the instances of this node are awake, from when they became ready until they are gone, to the second.
 * What it has measured is written every half a minute, and at its end.
 */
export function createAwakeMeter(options: AwakeMeterOptions): AsyncDisposable & { look(): void } {
  const { instances, flush, logger, lookEveryMs = 1000, flushEveryMs = 30_000 } = options
  const { elapsedMs = () => performance.now(), now = () => new Date() } = options
  let lookedAt = elapsedMs()
  let times = new Map<string, { -readonly [K in keyof queries.AwakeTime]: queries.AwakeTime[K] }>()
  let writing: Promise<void> = Promise.resolve()

  function add({ lease, releaseId, instance }: Running, hour: Date, awakeMs: number): void {
    const { deploymentId } = lease
    const ms = awakeMs * (instance.processes?.() ?? 1)
    if (ms <= 0) return
    const key = `${hour.getTime()} ${releaseId}`
    const known = times.get(key)
    if (known === undefined) times.set(key, { deploymentId, releaseId, hour, awakeMs: ms })
    else known.awakeMs += ms
  }

  function look(): void {
    const since = lookedAt
    lookedAt = elapsedMs()
    const moment = now()
    const hour = beginOf('hour', moment)
    const intoHourMs = moment.getTime() - hour.getTime()
    for (const running of instances.all()) {
      const ms = lookedAt - Math.max(since, running.readyAt)
      // What lies before the full hour belongs to the hour before.
      add(running, hour, Math.min(ms, intoHourMs))
      add(running, new Date(hour.getTime() - HOUR_MS), ms - intoHourMs)
    }
  }

  async function write(): Promise<void> {
    const batch = times
    times = new Map()
    try {
      await flush([...batch.values()])
    } catch (error) {
      logger.warn({ err: error }, 'time awake could not be written; it is kept for the next time')
      for (const [key, time] of batch) {
        const newer = times.get(key)
        if (newer === undefined) times.set(key, time)
        else newer.awakeMs += time.awakeMs
      }
    }
  }

  // One after the other: a slow write is not overtaken.
  const next = () => (writing = writing.then(write))
  const looking = setInterval(look, lookEveryMs)
  const flushing = setInterval(() => void next(), flushEveryMs)
  return {
    look,
    async [Symbol.asyncDispose]() {
      clearInterval(looking)
      clearInterval(flushing)
      look()
      await next()
    },
  }
}
