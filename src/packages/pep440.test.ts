import { expect, test } from 'vitest'
import { compareVersions, isPreRelease } from './pep440.ts'

// In the order of the examples of PEP 440.
const ORDERED = [
  'nonsense',
  '1.dev0',
  '1.0.dev456',
  '1.0a1',
  '1.0a2.dev456',
  '1.0a12.dev456',
  '1.0a12',
  '1.0b1.dev456',
  '1.0b2',
  '1.0b2.post345.dev456',
  '1.0b2.post345',
  '1.0rc1.dev456',
  '1.0rc1',
  '1.0',
  '1.0+abc.5',
  '1.0.post456.dev34',
  '1.0.post456',
  '1.0.15',
  '1.1.dev1',
  '2',
  '10.0',
  '1!0.1',
]

test('versions are in the order of PEP 440', () => {
  expect(ORDERED.toReversed().toSorted(compareVersions)).toEqual(ORDERED)
})

test.each([
  ['1.0', '1.0.0'],
  ['1.0a1', '1.0.alpha-1'],
  ['1.0.post1', '1.0-1'],
  ['v1.0', '1.0'],
])('%s is the same as %s', (a, b) => {
  expect(compareVersions(a, b)).toBe(0)
})

test.each([
  ['1.0', false],
  ['1.0.post1', false],
  ['1.0rc1', true],
  ['1.0.dev1', true],
  ['nonsense', true],
])('whether %s is a pre-release: %s', (version, is) => {
  expect(isPreRelease(version)).toBe(is)
})
