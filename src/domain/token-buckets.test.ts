import { array, assert, integer, property } from 'fast-check'
import { expect, test } from 'vitest'
import { createTokenBuckets } from './token-buckets.ts'

test('a minute’s worth may come at once, then one for each interval', () => {
  const buckets = createTokenBuckets(60)
  for (let n = 0; n < 60; n++) expect(buckets.take('a', 0)).toBe(0)
  expect(buckets.take('a', 0)).toBeCloseTo(1000)
  expect(buckets.take('a', 400)).toBeCloseTo(600)
  expect(buckets.take('b', 400)).toBe(0)
  expect(buckets.take('a', 1000)).toBe(0)
  expect(buckets.take('a', 1000)).toBeCloseTo(1000)
  // Full again, and not fuller.
  for (let n = 0; n < 60; n++) expect(buckets.take('a', 1_000_000)).toBe(0)
  expect(buckets.take('a', 1_000_000)).toBeGreaterThan(0)
})

test('whatever comes when, no more passes than the bucket and its filling allow, and who waits as told passes', () => {
  assert(
    property(
      integer({ min: 1, max: 120 }),
      array(integer({ min: 0, max: 3000 }), { maxLength: 200 }),
      (perMinute, pauses) => {
        const buckets = createTokenBuckets(perMinute)
        let now = 0
        let passed = 0
        for (const pause of pauses) {
          now += pause
          if (buckets.take('a', now) === 0) passed++
          expect(passed).toBeLessThanOrEqual(perMinute + (now * perMinute) / 60_000 + 1e-6)
        }
        const toldMs = buckets.take('a', now)
        expect(buckets.take('a', now + toldMs + 60_000 / perMinute)).toBe(0)
      },
    ),
  )
})

test('a key may have a rate of its own, which counts from when it is set', () => {
  const buckets = createTokenBuckets(60)
  for (let n = 0; n < 2; n++) expect(buckets.take('a', 0, 2)).toBe(0)
  expect(buckets.take('a', 0, 2)).toBeCloseTo(30_000)
  expect(buckets.take('b', 0)).toBe(0)
  // Its bucket is as empty as it was, and is filled at the new rate.
  expect(buckets.take('a', 0)).toBeCloseTo(1000)
  expect(buckets.take('a', 1000)).toBe(0)
  expect(buckets.take('a', 1000, 0)).toBe(0)
})

test('0 is no limit, and a flood of keys is forgotten again', () => {
  const none = createTokenBuckets(0)
  for (let n = 0; n < 1000; n++) expect(none.take('a', 0)).toBe(0)
  expect(none.size).toBe(0)
  const few = createTokenBuckets(10, 100)
  for (let n = 0; n < 10_000; n++) few.take(String(n), 0)
  expect(few.size).toBe(100)
})
