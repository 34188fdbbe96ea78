import { expect, test } from 'vitest'
import type { queries } from '../db/index.ts'
import { createAwakeMeter } from './awake-meter.ts'
import type { Running } from './instances.ts'

const quiet = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

function running(releaseId: string, readyAt: number, processes?: number): Running {
  const instance = processes === undefined ? {} : { processes: () => processes }
  // Only what the meter reads.
  return {
    instance,
    lease: { deploymentId: `dep of ${releaseId}` },
    releaseId,
    readyAt,
  } as unknown as Running
}

function start(begin: string) {
  const written: queries.AwakeTime[] = []
  const world: { elapsed: number; all: Running[] } = { elapsed: 0, all: [] }
  const meter = createAwakeMeter({
    instances: { all: () => world.all },
    flush: async (times) => {
      written.push(...times)
    },
    logger: quiet,
    lookEveryMs: 1e9,
    flushEveryMs: 1e9,
    elapsedMs: () => world.elapsed,
    now: () => new Date(Date.parse(begin) + world.elapsed),
  })
  const at = (elapsed: number, ...all: Running[]) => {
    world.elapsed = elapsed
    world.all = all
    meter.look()
  }
  const ended = async () => {
    await meter[Symbol.asyncDispose]()
    return Object.fromEntries(
      written.map(({ releaseId, hour, awakeMs }) => [
        `${releaseId} ${hour.toISOString().slice(11, 13)}h`,
        awakeMs,
      ]),
    )
  }
  return { at, ended }
}

test('an instance is awake from when it was ready until it is gone', async () => {
  const { at, ended } = start('2026-01-01T10:00:00Z')
  const one = running('a', 400)
  at(1000, one)
  at(2000, one)
  at(3000)
  at(4000, running('a', 3500))
  expect(await ended()).toEqual({ 'a 10h': 2100 })
})

test('time is split at the full hour', async () => {
  const { at, ended } = start('2026-01-01T10:59:59Z')
  at(3000, running('a', 0))
  expect(await ended()).toEqual({ 'a 10h': 1000, 'a 11h': 2000 })
})

test('each process of a person counts, and none does where nobody calls', async () => {
  const { at, ended } = start('2026-01-01T10:00:00Z')
  at(1000, running('a', 0, 3), running('b', 0, 0))
  expect(await ended()).toEqual({ 'a 10h': 3000 })
})
