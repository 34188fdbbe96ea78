import { LATENCY_BOUNDS_MS, type UsageMinute } from './calls.ts'

const SPAN_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const

/** What counters are kept by; hours and days begin in UTC. */
export type UsageSpan = keyof typeof SPAN_MS

/** When the minute, hour or day that holds a moment begins. */
export function beginOf(span: UsageSpan, moment: Date): Date {
  return new Date(Math.floor(moment.getTime() / SPAN_MS[span]) * SPAN_MS[span])
}

/** The begins of all from the one that holds `since` to the last before `until`. */
export function beginsBetween(span: UsageSpan, since: Date, until: Date): readonly Date[] {
  const begins: Date[] = []
  for (let at = beginOf(span, since).getTime(); at < until.getTime(); at += SPAN_MS[span])
    begins.push(new Date(at))
  return begins
}

/** Which span shows a range in a few hundred points, of those that are kept for it. */
export function spanFor(since: Date, until: Date): UsageSpan {
  const hours = (until.getTime() - since.getTime()) / SPAN_MS.hour
  if (hours <= 3) return 'minute'
  return hours <= 14 * 24 ? 'hour' : 'day'
}

/** Counters of minutes as counters of hours or days, in which `minute` is their begin. */
export function rolledUp(minutes: readonly UsageMinute[], span: 'hour' | 'day'): readonly UsageMinute[] {
  const totals = new Map<string, UsageMinute>()
  for (const counter of minutes) {
    const minute = beginOf(span, counter.minute)
    const { deploymentId, tokenId, method, name, calls, errors, latency } = counter
    const key = JSON.stringify([minute.getTime(), deploymentId, tokenId, method, name])
    const known = totals.get(key)
    totals.set(
      key,
      known === undefined
        ? { ...counter, minute }
        : {
            ...known,
            calls: known.calls + calls,
            errors: known.errors + errors,
            latency: addedUp(known.latency, latency),
          },
    )
  }
  return [...totals.values()]
}

/** Two histograms as one. */
export function addedUp(one: readonly number[], other: readonly number[]): readonly number[] {
  return Array.from(
    { length: Math.max(one.length, other.length) },
    (_, bucket) => (one[bucket] ?? 0) + (other[bucket] ?? 0),
  )
}

/**
 * A percentile of the calls that a histogram counts, in milliseconds: as if those in a bucket were spread evenly over it.
 * What took longer than the last bound counts as that bound. Null when there is no call.
 * @param share 0.95 for p95
 */
export function percentileMs(latency: readonly number[], share: number): number | null {
  const total = latency.reduce((sum, count) => sum + count, 0)
  if (total === 0) return null
  let left = share * total
  for (const [bucket, count] of latency.entries()) {
    if (count > 0 && left <= count) {
      const from = bucket === 0 ? 0 : (LATENCY_BOUNDS_MS[bucket - 1] ?? 0)
      const to = LATENCY_BOUNDS_MS[bucket] ?? from
      return from + (to - from) * Math.max(0, left / count)
    }
    left -= count
  }
  return LATENCY_BOUNDS_MS.at(-1) ?? null
}
