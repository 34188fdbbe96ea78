import { expect, test } from 'vitest'
import type { CallRecord, CallSheet, Logger } from '../domain/index.ts'
import {
  createCallRecorder,
  type CallCounts,
  type CallRecorder,
  type CallRecorderOptions,
} from './call-recorder.ts'

const NOW = new Date('2026-01-01T00:00:30Z')
const quiet = () => undefined
const LOGGER: Logger = { debug: quiet, info: quiet, warn: quiet, error: quiet, child: () => LOGGER }
const CALL: CallRecord = {
  at: NOW,
  workspaceId: 'ws_1',
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
const SHEET_CALLS = 10
const soon = () => new Promise((resolve) => setImmediate(resolve))
const away = () => Promise.reject(new Error('the database is away'))

interface Written {
  readonly sheets: (readonly CallRecord[])[]
  readonly counts: CallCounts[]
  readonly calls: () => readonly CallRecord[]
  readonly counted: () => number
}

/** A recorder that writes into lists, and what it wrote. */
function createRecorder(options: Partial<CallRecorderOptions> = {}): {
  readonly recorder: CallRecorder
  readonly written: Written
} {
  const sheets: (readonly CallRecord[])[] = []
  const counts: CallCounts[] = []
  const content = new Map<CallSheet, CallRecord[]>()
  const recorder = createCallRecorder({
    newSheet() {
      const calls: CallRecord[] = []
      const sheet: CallSheet = {
        get count() {
          return calls.length
        },
        add: (call) => calls.length < SHEET_CALLS && calls.push(call) > 0,
        rows: () => new Uint8Array(),
        clear: () => void calls.splice(0),
      }
      content.set(sheet, calls)
      return sheet
    },
    async writeCalls(sheet) {
      await options.writeCalls?.(sheet)
      sheets.push([...(content.get(sheet) ?? [])])
    },
    async writeCounts(count) {
      await options.writeCounts?.(count)
      counts.push(count)
    },
    intervalMs: options.intervalMs ?? 3_600_000,
    clock: { now: () => NOW },
    logger: LOGGER,
    ...(options.maxSheets === undefined ? {} : { maxSheets: options.maxSheets }),
    ...(options.maxCounters === undefined ? {} : { maxCounters: options.maxCounters }),
  })
  const counted = () => counts.flatMap(({ minutes }) => minutes).reduce((sum, { calls }) => sum + calls, 0)
  return { recorder, written: { sheets, counts, calls: () => sheets.flat(), counted } }
}

async function collect(
  add: (recorder: CallRecorder) => void,
  options: Partial<CallRecorderOptions> = {},
): Promise<Written> {
  const { recorder, written } = createRecorder(options)
  add(recorder)
  await recorder[Symbol.asyncDispose]()
  return written
}

test('calls are kept one by one and counted by minute, token, method and name', async () => {
  const { calls, counts } = await collect((recorder) => {
    recorder.add(CALL)
    recorder.add({ ...CALL, outcome: 'tool_error', durationMs: 99_999 })
    recorder.add({ ...CALL, outcome: 'cancelled', at: new Date('2026-01-01T00:01:00Z') })
    recorder.add({ ...CALL, tokenId: null, subject: 'user_1', method: 'tools/list', name: null })
    recorder.add({ ...CALL, deploymentId: 'dep_2' })
    recorder.add(CALL)
    recorder.used('tok_1')
  })
  expect(calls()).toHaveLength(6)
  expect(counts).toHaveLength(1)
  expect(counts[0]?.uses).toEqual(new Map([['tok_1', NOW]]))
  expect(counts[0]?.minutes).toMatchObject([
    { minute: new Date('2026-01-01T00:00:00Z'), tokenId: 'tok_1', name: 'echo', calls: 3, errors: 1 },
    { minute: new Date('2026-01-01T00:01:00Z'), calls: 1, errors: 0 },
    { tokenId: '', method: 'tools/list', name: '', calls: 1, errors: 0 },
    { deploymentId: 'dep_2', calls: 1, errors: 0 },
  ])
  expect(counts[0]?.minutes[0]?.latency).toEqual([0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
})

test('a flood is counted in full, within bounded memory', async () => {
  const { calls, counts, counted } = await collect(
    (recorder) => {
      for (let n = 0; n < 1000; n++) recorder.add({ ...CALL, name: `made-up-${n}` })
      for (let n = 0; n < 1000; n++) recorder.add({ ...CALL, outcome: 'limited', method: null, name: null })
      recorder.add({ ...CALL, name: 'x'.repeat(10_000) })
    },
    { maxSheets: 9, maxCounters: 50 },
  )
  expect(calls()).toHaveLength(100)
  expect(counts[0]?.minutes.length).toBeLessThanOrEqual(52)
  expect(counted()).toBe(2001)
})

test('no name or method that a caller makes up keeps calls from being written', async () => {
  const { calls, counts } = await collect((recorder) => {
    recorder.add({ ...CALL, method: 'tools/call\0', name: 'a\0b\0' })
    recorder.add({ ...CALL, method: 'm'.repeat(1_000_000), name: `${'n'.repeat(255)}\u{1F600}` })
  })
  expect(JSON.stringify([calls(), counts])).not.toContain('\\u0000')
  expect(calls().map(({ method, name }) => [method, name])).toEqual([
    ['tools/call\u{FFFD}', 'a\u{FFFD}b\u{FFFD}'],
    ['m'.repeat(256), `${'n'.repeat(255)}\u{FFFD}`],
  ])
  expect(counts[0]?.minutes.map(({ method }) => method.length)).toEqual([11, 256])
})

test('many calls are written as they come, sheet by sheet, one after the other, and none is lost or written twice', async () => {
  let underWay = 0
  const { recorder, written } = createRecorder({
    async writeCalls() {
      expect(++underWay).toBe(1)
      await soon()
      underWay--
    },
  })
  for (let n = 0; n < 100; n++) {
    recorder.add({ ...CALL, requestId: `req_${n}` })
    if (n % 5 === 0) await soon()
  }
  expect(written.sheets.length).toBeGreaterThan(3)
  // Counting them takes more than writing them, and waits for the interval.
  expect(written.counts).toEqual([])
  await recorder[Symbol.asyncDispose]()
  expect(written.calls().map(({ requestId }) => requestId)).toEqual(
    Array.from({ length: 100 }, (_, n) => `req_${n}`),
  )
  expect(written.counted()).toBe(100)
})

test('a database that is away is asked at the interval, however many calls come meanwhile', async () => {
  let attempts = 0
  const { recorder } = createRecorder({ writeCalls: () => (++attempts === 1 ? away() : Promise.resolve()) })
  for (let n = 0; n < 100; n++) {
    recorder.add(CALL)
    await soon()
  }
  expect(attempts).toBe(1)
  await recorder[Symbol.asyncDispose]()
})

test('what could not be written is written with the next, once', async () => {
  let attempts = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  const { recorder, written } = createRecorder({
    intervalMs: 5,
    writeCalls: () => (++attempts === 1 ? away() : Promise.resolve()),
    writeCounts: () => (attempts === 1 ? away() : Promise.resolve(resolve())),
  })
  recorder.add({ ...CALL, requestId: 'req_first' })
  recorder.used('tok_1')
  await promise
  recorder.add({ ...CALL, requestId: 'req_second' })
  await recorder[Symbol.asyncDispose]()
  expect(written.calls().map(({ requestId }) => requestId)).toEqual(['req_first', 'req_second'])
  expect(written.counted()).toBe(2)
  expect(written.counts[0]?.uses.size).toBe(1)
})
