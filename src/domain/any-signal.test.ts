import { setTimeout as wait } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { anySignal } from './any-signal.ts'

const LIMIT_MS = 50

async function passWithCollections(ms: number): Promise<void> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let round = 0; round < 5; round++) {
    await wait(ms / 5)
    collect()
  }
}

test('a time-out is not missed although memory was collected while nobody listened', async () => {
  const limit = anySignal([new AbortController().signal, AbortSignal.timeout(LIMIT_MS)])
  await passWithCollections(LIMIT_MS * 3)
  expect(limit.reason).toMatchObject({ name: 'TimeoutError' })
})

test('a time-out still comes after another signal that was made of it has ended', async () => {
  const limit = anySignal([new AbortController().signal, AbortSignal.timeout(LIMIT_MS)])
  const other = new AbortController()
  const both = anySignal([limit, other.signal])
  other.abort()
  expect(both.aborted).toBe(true)
  await passWithCollections(LIMIT_MS * 3)
  expect(limit.reason).toMatchObject({ name: 'TimeoutError' })
})

test('it ends with whichever ends, for the same reason', () => {
  for (const ending of [0, 1]) {
    const controllers = [new AbortController(), new AbortController()]
    const any = anySignal(controllers.map(({ signal }) => signal))
    expect(any.aborted).toBe(false)
    controllers[ending]?.abort(`number ${ending}`)
    expect(any.reason).toBe(`number ${ending}`)
  }
})
