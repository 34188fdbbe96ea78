import { expect, test } from 'vitest'
import { compareSemver, isSemver, isSemverPreRelease } from './semver.ts'

test('versions are in the order of the specification, pre-releases before their release', () => {
  const ordered = [
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0',
    '1.0.1',
    '1.2.0',
    '1.10.0',
    '2.0.0',
  ]
  expect(ordered.toReversed().toSorted(compareSemver)).toEqual(ordered)
})

test('a letter in front, missing numbers and what is said of a build make no difference', () => {
  expect(compareSemver('v1.2', '1.2.0')).toBe(0)
  expect(compareSemver('1.0.0+a', '1.0.0+b')).toBe(0)
})

test('what is no version comes before every version and is not taken for one', () => {
  expect(compareSemver('latest', '0.0.1')).toBe(-1)
  expect(['latest', '1.2.3.4', '01.0.0', ''].map(isSemver)).toEqual([false, false, false, false])
  expect([isSemver('v3'), isSemverPreRelease('2.0.0-rc.1'), isSemverPreRelease('2.0.0')]).toEqual([
    true,
    true,
    false,
  ])
})
