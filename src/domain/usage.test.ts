import { expect, test } from 'vitest'
import { latencyBucket, LATENCY_BOUNDS_MS } from './calls.ts'
import { addedUp, beginOf, beginsBetween, percentileMs, rolledUp, spanFor } from './usage.ts'

const at = (text: string) => new Date(`2026-01-${text}Z`)

function histogram(durations: readonly number[]): number[] {
  const latency: number[] = [0, ...LATENCY_BOUNDS_MS].fill(0)
  for (const duration of durations) {
    const bucket = latencyBucket(duration)
    latency[bucket] = (latency[bucket] ?? 0) + 1
  }
  return latency
}

test('a percentile lies in the bucket of the true one, for any durations', () => {
  let seed = 7
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
  for (let run = 0; run < 200; run++) {
    const durations = Array.from({ length: 1 + Math.floor(random() * 300) }, () => 20_000 ** random())
    const sorted = durations.toSorted((a, b) => a - b)
    for (const share of [0.5, 0.95, 0.99]) {
      const truth = sorted[Math.ceil(share * sorted.length) - 1] ?? NaN
      const found = percentileMs(histogram(durations), share) ?? NaN
      expect(latencyBucket(found)).toBe(latencyBucket(truth))
    }
  }
})

test('without calls there is no percentile, and beyond the last bound it is that bound', () => {
  expect(percentileMs(histogram([]), 0.5)).toBeNull()
  expect(percentileMs([], 0.5)).toBeNull()
  expect(percentileMs(histogram([90_000, 120_000]), 0.99)).toBe(30_000)
})

test('minutes add up to the hours and days that they lie in, and nothing is lost', () => {
  const minute = (text: string, calls: number, name = 'echo') => ({
    minute: at(text),
    deploymentId: 'dep_1',
    tokenId: '',
    method: 'tools/call',
    name,
    calls,
    errors: 1,
    latency: [calls, 1],
  })
  const minutes = [
    minute('01T10:00:00', 2),
    minute('01T10:59:00', 3),
    minute('01T11:00:00', 5),
    minute('01T10:30:00', 7, 'other'),
  ]
  expect(rolledUp(minutes, 'hour')).toMatchObject([
    { minute: at('01T10:00:00'), name: 'echo', calls: 5, errors: 2, latency: [5, 2] },
    { minute: at('01T11:00:00'), name: 'echo', calls: 5, errors: 1 },
    { minute: at('01T10:00:00'), name: 'other', calls: 7 },
  ])
  expect(rolledUp(minutes, 'day').map(({ calls }) => calls)).toEqual([10, 7])
  expect(addedUp([1], [1, 2])).toEqual([2, 2])
})

test('a range is shown by what gives a few hundred points', () => {
  const until = at('31T00:00:00')
  const points = (hours: number) => {
    const since = new Date(until.getTime() - hours * 3_600_000)
    const span = spanFor(since, until)
    return [span, beginsBetween(span, since, until).length]
  }
  expect(points(1)).toEqual(['minute', 60])
  expect(points(24)).toEqual(['hour', 24])
  expect(points(24 * 7)).toEqual(['hour', 168])
  expect(points(24 * 30)).toEqual(['day', 30])
  expect(beginOf('day', at('05T17:12:00'))).toEqual(at('05T00:00:00'))
})
