import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import type { Call } from './call.ts'
import { CallTable } from './call-table.ts'

const call = (id: string): Call => ({
  session: null,
  subject: 's',
  id,
  progressToken: null,
  startedAt: 0,
  sink: {
    notify: () => false,
    answer: () => undefined,
    fail: () => undefined,
    keepAlive: () => undefined,
    abandon: () => undefined,
  },
})

test('calls come in the order of their start, and each is taken once', () => {
  const table = new CallTable()
  for (const number of [3, 1, 2]) table.add(number, call(`#${number}`))
  expect([...table].map(([number, { id }]) => `${number}${id}`)).toEqual(['3#3', '1#1', '2#2'])
  expect(table.get(1)?.id).toBe('#1')
  expect(table.take(1)?.id).toBe('#1')
  expect([table.take(1), table.get(1), table.size]).toEqual([undefined, undefined, 2])
  expect([...table.values()].map(({ id }) => id)).toEqual(['#3', '#2'])
})

test('calls that are taken while they are gone through are not seen again', () => {
  const table = new CallTable()
  for (const number of [1, 2, 3]) table.add(number, call(String(number)))
  const seen: number[] = []
  for (const [number] of table) {
    seen.push(number)
    table.take(number)
    table.take(2)
  }
  expect([seen, table.size]).toEqual([[1, 3], 0])
})

test('calls that are over go with the young generation', () => {
  setFlagsFromString('--expose-gc')
  // What the flag adds.
  const collect = runInNewContext('gc') as (options?: { type: 'minor' }) => void
  const table = new CallTable()
  collect()
  const before = process.memoryUsage().heapUsed
  for (let number = 0; number < 20_000; number++) {
    table.add(number, call(String(number).padEnd(1000)))
    table.take(number - 16)
    if (number % 250 === 0) collect({ type: 'minor' })
  }
  collect({ type: 'minor' })
  // With a plain Map it is 10 MiB and more.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(6 * 1_048_576)
})
