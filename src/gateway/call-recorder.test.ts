import { expect, test } from 'vitest'
import type { CallRecord, Logger } from '../domain/index.ts'
import { createCallRecorder, type CallBatch } from './call-recorder.ts'

const NOW = new Date('2026-01-01T00:00:30Z')
const quiet = () => undefined
const LOGGER: Logger = { debug: quiet, info: quiet, warn: quiet, error: quiet, child: () => LOGGER }
const CALL: CallRecord = {
  at: NOW,
  deploymentId: 'dep_1',
  tokenId: 'tok_1',
  subject: 'tok_1',
  method: 'tools/call',
  name: 'echo',
  outcome: 'ok',
  durationMs: 3,
  requestId: 'req_1',
  traceId: null,
}

async function collect(
  add: (recorder: ReturnType<typeof createCallRecorder>) => void,
  limits: { maxCalls?: number; maxCounters?: number } = {},
): Promise<CallBatch> {
  const batches: CallBatch[] = []
  {
    await using recorder = createCallRecorder({
      flush: (batch) => Promise.resolve(void batches.push(batch)),
      clock: { now: () => NOW },
      logger: LOGGER,
      ...limits,
    })
    add(recorder)
  }
  const [batch] = batches
  if (batch === undefined) throw new Error('nothing was written')
  return batch
}

test('calls are kept one by one and counted by minute, token, method and name', async () => {
  const batch = await collect((recorder) => {
    recorder.add(CALL)
    recorder.add({ ...CALL, outcome: 'tool_error', durationMs: 99_999 })
    recorder.add({ ...CALL, outcome: 'cancelled', at: new Date('2026-01-01T00:01:00Z') })
    recorder.add({ ...CALL, tokenId: null, subject: 'user_1', method: 'tools/list', name: null })
    recorder.used('tok_1')
  })
  expect(batch.calls).toHaveLength(4)
  expect(batch.uses).toEqual(new Map([['tok_1', NOW]]))
  expect(batch.minutes).toMatchObject([
    { minute: new Date('2026-01-01T00:00:00Z'), tokenId: 'tok_1', name: 'echo', calls: 2, errors: 1 },
    { minute: new Date('2026-01-01T00:01:00Z'), calls: 1, errors: 0 },
    { tokenId: '', method: 'tools/list', name: '', calls: 1, errors: 0 },
  ])
  expect(batch.minutes[0]?.latency).toEqual([0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
})

test('a flood is counted in full, within bounded memory', async () => {
  const batch = await collect(
    (recorder) => {
      for (let n = 0; n < 1000; n++) recorder.add({ ...CALL, name: `made-up-${n}` })
      for (let n = 0; n < 1000; n++) recorder.add({ ...CALL, outcome: 'limited', method: null, name: null })
      recorder.add({ ...CALL, name: 'x'.repeat(10_000) })
    },
    { maxCalls: 100, maxCounters: 50 },
  )
  expect(batch.calls).toHaveLength(100)
  expect(batch.minutes.length).toBeLessThanOrEqual(52)
  expect(batch.minutes.reduce((sum, { calls }) => sum + calls, 0)).toBe(2001)
})

test('no name or method that a caller makes up keeps a batch from being written', async () => {
  const batch = await collect((recorder) => {
    recorder.add({ ...CALL, method: 'tools/call\0', name: 'a\0b\0' })
    recorder.add({ ...CALL, method: 'm'.repeat(1_000_000), name: `${'n'.repeat(255)}\u{1F600}` })
  })
  const written = JSON.stringify([batch.calls, batch.minutes])
  expect(written).not.toContain('\\u0000')
  expect(batch.calls.map(({ method, name }) => [method, name])).toEqual([
    ['tools/call\u{FFFD}', 'a\u{FFFD}b\u{FFFD}'],
    ['m'.repeat(256), `${'n'.repeat(255)}\u{FFFD}`],
  ])
  expect(batch.minutes.map(({ method }) => method.length)).toEqual([11, 256])
})

test('many calls are written at once, in small batches one after the other, and none is lost', async () => {
  const batches: CallBatch[] = []
  let underWay = 0
  {
    await using recorder = createCallRecorder({
      async flush(batch) {
        expect(++underWay).toBe(1)
        batches.push(batch)
        await new Promise((resolve) => setImmediate(resolve))
        underWay--
      },
      intervalMs: 3_600_000,
      batchCalls: 10,
      clock: { now: () => NOW },
      logger: LOGGER,
    })
    for (let n = 0; n < 100; n++) {
      recorder.add(CALL)
      if (n % 5 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(batches.length).toBeGreaterThan(3)
  }
  expect(batches.flatMap(({ calls }) => calls)).toHaveLength(100)
  expect(batches.flatMap(({ minutes }) => minutes).reduce((sum, { calls }) => sum + calls, 0)).toBe(100)
  expect(Math.max(...batches.map(({ calls }) => calls.length))).toBeLessThan(30)
})

test('a database that is away is asked at the interval, however many calls come meanwhile', async () => {
  let attempts = 0
  await using recorder = createCallRecorder({
    flush: () => (++attempts === 1 ? Promise.reject(new Error('the database is away')) : Promise.resolve()),
    intervalMs: 3_600_000,
    batchCalls: 10,
    clock: { now: () => NOW },
    logger: LOGGER,
  })
  for (let n = 0; n < 100; n++) {
    recorder.add(CALL)
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(attempts).toBe(1)
})

test('what could not be written is written with the next batch, once', async () => {
  const written = Promise.withResolvers<CallBatch>()
  let attempts = 0
  await using recorder = createCallRecorder({
    flush(batch) {
      if (++attempts === 1) {
        recorder.add(CALL)
        return Promise.reject(new Error('the database is away'))
      }
      written.resolve(batch)
      return Promise.resolve()
    },
    intervalMs: 5,
    clock: { now: () => NOW },
    logger: LOGGER,
  })
  recorder.add(CALL)
  recorder.used('tok_1')
  const batch = await written.promise
  expect(batch.calls).toHaveLength(2)
  expect(batch.minutes).toMatchObject([{ calls: 2 }])
  expect(batch.uses.size).toBe(1)
})
