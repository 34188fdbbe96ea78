import { expect, test } from 'vitest'
import { readMoment } from './moment.ts'

const NOW = Date.parse('2026-02-01T12:00:00.000Z')

test.each([
  ['90s', '2026-02-01T11:58:30.000Z'],
  ['15m', '2026-02-01T11:45:00.000Z'],
  ['2h', '2026-02-01T10:00:00.000Z'],
  ['7d', '2026-01-25T12:00:00.000Z'],
  ['2026-01-31', '2026-01-31T00:00:00.000Z'],
  ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z'],
  ['2026-01-31T12:00:00+02:00', '2026-01-31T10:00:00.000Z'],
])('%s is a moment', (text, moment) => {
  expect(readMoment(text, NOW)).toBe(moment)
})

test.each(['', 'yesterday', '7', '-1d', '7y', '999999999w', '2026-13-45', '1'])('%j is none', (text) => {
  expect(() => readMoment(text, NOW)).toThrow('It must be a time')
})
