import { expect, test } from 'vitest'
import type { Logger } from '../domain/index.ts'
import { createUseCounter, type TokenUse } from './use-counter.ts'

const NOW = new Date('2026-01-01T00:00:00Z')
const quiet = () => undefined
const LOGGER: Logger = { debug: quiet, info: quiet, warn: quiet, error: quiet, child: () => LOGGER }
const CALL = { deploymentId: 'dep_1', tokenId: 'tok_1', outcome: 'ok', durationMs: 1 } as const

test('calls are handed over once, summed by token; those without a token are not', async () => {
  const batches: (readonly TokenUse[])[] = []
  {
    await using counter = createUseCounter({
      flush: (uses) => Promise.resolve(void batches.push(uses)),
      clock: { now: () => NOW },
      logger: LOGGER,
    })
    counter.add(CALL)
    counter.add({ ...CALL, outcome: 'error' })
    counter.add({ ...CALL, tokenId: 'tok_2' })
    counter.add({ ...CALL, tokenId: null, deploymentId: null })
  }
  expect(batches).toEqual([
    [
      { tokenId: 'tok_1', deploymentId: 'dep_1', calls: 2, errors: 1, lastUsedAt: NOW },
      { tokenId: 'tok_2', deploymentId: 'dep_1', calls: 1, errors: 0, lastUsedAt: NOW },
    ],
  ])
})

test('what could not be written is written with the next batch', async () => {
  const written = Promise.withResolvers<readonly TokenUse[]>()
  let attempts = 0
  await using counter = createUseCounter({
    flush(uses) {
      if (++attempts === 1) return Promise.reject(new Error('the database is away'))
      written.resolve(uses)
      return Promise.resolve()
    },
    intervalMs: 5,
    clock: { now: () => NOW },
    logger: LOGGER,
  })
  counter.add(CALL)
  expect(await written.promise).toMatchObject([{ tokenId: 'tok_1', calls: 1 }])
})
