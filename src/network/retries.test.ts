import { expect, test } from 'vitest'
import { HttpFailure } from './http.ts'
import { withRetries } from './retries.ts'
import { anySignal } from '../domain/index.ts'

const signal = AbortSignal.timeout(20_000)

async function refuse(): Promise<never> {
  throw new HttpFailure('unreachable', 'The connection was refused.')
}

async function asked(
  options: Omit<Parameters<typeof withRetries>[1], 'signal'>,
  limitMs: number,
): Promise<number> {
  let times = 0
  const limit = anySignal([signal, AbortSignal.timeout(limitMs)])
  const counted = async (): Promise<never> => {
    times++
    return refuse()
  }
  await expect(withRetries(counted, { ...options, signal: limit })).rejects.toThrow(
    'The connection was refused.',
  )
  return times
}

test('without patience it asks three times', async () => {
  expect(await asked({ baseMs: 1 }, 10_000)).toBe(3)
})

test('with patience it goes on asking however short the waits happen to be, and ends after it', async () => {
  const startedAt = performance.now()
  const times = await asked({ baseMs: 1, maxWaitMs: 20, patienceMs: 300, random: () => 0.5 }, 10_000)
  expect(times).toBeGreaterThan(3)
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(300)
})

test('waits stop growing at the longest one', async () => {
  // They would be nine minutes otherwise.
  expect(await asked({ baseMs: 1, maxWaitMs: 2, attempts: 20, random: () => 1 }, 10_000)).toBe(20)
})
