import { expect, test } from 'vitest'
import { traceIdOf, traceparentOf } from './trace-context.ts'

const ID = '4bf92f3577b34da6a3ce929d0e0e4736'

test.for([
  [`00-${ID}-00f067aa0ba902b7-01`, true],
  [`00-${ID}-00f067aa0ba902b7-00`, true],
  // A later version may add fields, this one may not.
  [`01-${ID}-00f067aa0ba902b7-01-more`, true],
  [`00-${ID}-00f067aa0ba902b7-01-more`, false],
  [`ff-${ID}-00f067aa0ba902b7-01`, false],
  [`00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, false],
  [`00-${ID}-${'0'.repeat(16)}-01`, false],
  [`00-${ID.toUpperCase()}-00f067aa0ba902b7-01`, false],
  [`00-${ID}-00f067aa0ba902b7`, false],
  [`00-${ID}-00f067aa0ba902b7-01\r\nx: y`, false],
  ['', false],
] as const)('%j is followed: %s', ([header, followed]) => {
  expect(traceIdOf(header) === ID).toBe(followed)
})

test('traces are new without a valid header, and what is sent on belongs to them', () => {
  const ids = new Set(Array.from({ length: 1000 }, () => traceIdOf(undefined)))
  expect(ids.size).toBe(1000)
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/)
  expect(traceIdOf(traceparentOf(ID))).toBe(ID)
})
