import { describe, expect, test } from 'vitest'
import { formatAgo, formatBytes, formatDuration, plural, stripTerminalCodes } from './format.ts'

test('durations carry a unit and only readable precision', () => {
  expect([-5, 0, 420, 9940, 9960, 59_400, 59_600, 125_000].map(formatDuration)).toEqual([
    '0.0 s',
    '0.0 s',
    '0.4 s',
    '9.9 s',
    '10 s',
    '59 s',
    '1 min 0 s',
    '2 min 5 s',
  ])
})

describe('formatAgo', () => {
  const now = Date.parse('2026-07-14T12:00:00')
  test.each([
    [now + 5000, 'now'],
    [now - 30_000, 'now'],
    [now - 46_000, '1 min ago'],
    [now - 12 * 60_000, '12 min ago'],
    [now - 5 * 3_600_000, '5 h ago'],
    [now - 30 * 3_600_000, 'yesterday'],
    [Date.parse('2026-07-03T09:00:00'), '3 Jul'],
    [Date.parse('2024-07-03T09:00:00'), '3 Jul 2024'],
  ])('%d is %s', (at, words) => expect(formatAgo(at, now)).toBe(words))
})

test('sizes are in binary units', () => {
  expect([0, 812, 1536, 150 * 1024, 5 * 1024 ** 2].map(formatBytes)).toEqual([
    '0 B',
    '812 B',
    '1.5 KiB',
    '150 KiB',
    '5.0 MiB',
  ])
})

test('one is singular', () => {
  expect([0, 1, 2].map((count) => plural(count, 'tool'))).toEqual(['0 tools', '1 tool', '2 tools'])
})

test('colours and titles that a server prints for a terminal are not shown', () => {
  const escape = String.fromCharCode(27)
  expect(stripTerminalCodes(`${escape}[1;31mError${escape}[0m: ${escape}]0;title${escape}\\no key`)).toBe(
    'Error: no key',
  )
  expect(stripTerminalCodes('plain [text] 1;2')).toBe('plain [text] 1;2')
})
