import { expect, test } from 'vitest'
import { allowRanges, isPrivateRange } from './private-ranges.ts'

test.each(['192.168.1.20', '10.0.0.0/8', '172.20.0.0/16', '100.64.0.0/10', 'fd12:3456::/32'])(
  '%s may be allowed',
  (range) => {
    expect(isPrivateRange(range)).toBe(true)
  },
)

// What is wider than a private network, or beside one: loopback, metadata of clouds, the whole internet.
test.each([
  '127.0.0.0/8',
  '169.254.169.254',
  '0.0.0.0/0',
  '8.0.0.0/5',
  '10.0.0.0/7',
  '::/0',
  '::1',
  'fe80::/10',
  '::ffff:10.0.0.0/104',
  'printer.local',
  '',
])('%s cannot be allowed', (range) => {
  expect(isPrivateRange(range)).toBe(false)
})

test('just the addresses in a range are allowed', () => {
  const allows = allowRanges(['192.168.1.20', '10.20.0.0/16'])
  expect(['192.168.1.20', '10.20.255.1'].map(allows)).toEqual([true, true])
  expect(['192.168.1.21', '10.21.0.1', '::ffff:10.20.0.1', 'x'].map(allows)).toEqual([
    false,
    false,
    false,
    false,
  ])
})
