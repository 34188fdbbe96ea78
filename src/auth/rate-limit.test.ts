import { expect, test } from 'vitest'
import { createRateLimiter } from './rate-limit.ts'

const RULE = { max: 2, windowMs: 1000 }

function limiterAt(start: number) {
  let now = start
  const limiter = createRateLimiter({ now: () => new Date(now) })
  return { limiter, advance: (ms: number) => (now += ms) }
}

test('what is over the rule waits until the window ends, and each key has its own', () => {
  const { limiter, advance } = limiterAt(0)
  expect([limiter.take('a', RULE), limiter.take('a', RULE), limiter.take('a', RULE)]).toEqual([0, 0, 1000])
  expect(limiter.take('b', RULE)).toBe(0)
  advance(400)
  expect(limiter.take('a', RULE)).toBe(600)
  advance(600)
  expect(limiter.take('a', RULE)).toBe(0)
})

test('refused requests do not lengthen the wait', () => {
  const { limiter, advance } = limiterAt(0)
  for (let n = 0; n < 10; n += 1) limiter.take('a', RULE)
  advance(999)
  expect(limiter.take('a', RULE)).toBe(1)
})

test('a flood of addresses drops the oldest windows, not the newest', () => {
  const { limiter } = limiterAt(0)
  for (let n = 0; n < 50_010; n += 1) limiter.take(`k${n}`, { max: 1, windowMs: 1000 })
  expect(limiter.take('k0', RULE)).toBe(0)
  expect(limiter.take('k50009', { max: 1, windowMs: 1000 })).toBe(1000)
})
