import { expect, test } from 'vitest'
import { createIdleness } from './observe.ts'

/** When it counts as idle, of samples of a program's processor time a second each; null for never. */
function idleAt(...usedMs: number[]): number | null {
  const idleness = createIdleness({ idleMs: 4_000, share: 0.02 })
  const at = usedMs.findIndex((used, second) => idleness.isIdle(used, second * 1_000))
  return at === -1 ? null : at
}

test('a program that does nothing for the whole time is idle, and not a moment before', () => {
  expect(idleAt(0, 0, 0, 0, 0, 0)).toBe(4)
  expect(idleAt(0, 900, 1_800, 1_800, 1_800, 1_800, 1_800, 1_800)).toBe(6)
})

test('a program that works is not idle, however slowly or seldom', () => {
  expect(idleAt(0, 30, 60, 90, 120, 150, 180, 210)).toBeNull()
  expect(idleAt(0, 0, 0, 100, 100, 100, 200, 200, 200, 300)).toBeNull()
})

test('a program that only looks again and again whether something has come is idle', () => {
  expect(idleAt(0, 5, 10, 15, 20, 25)).toBe(4)
})
