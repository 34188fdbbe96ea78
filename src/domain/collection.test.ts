import { property, assert, stringMatching, string } from 'fast-check'
import { expect, test } from 'vitest'
import { checkMember, defaultPrefix, prefixedName, searchesTools, splitName } from './collection.ts'

const member = (prefix: string) => ({ deploymentId: 'dep_1', prefix })
const refusal = (prefix: string, others: readonly string[] = [], names: readonly string[] = []) => {
  try {
    checkMember(others.map(member), member(prefix), names)
    return null
  } catch (error) {
    return (error as { code: string }).code
  }
}

test('a name with a prefix is taken apart into the same two, whatever the name is', () => {
  assert(
    property(stringMatching(/^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/), string(), (prefix, name) => {
      expect(splitName(prefixedName(prefix, name))).toEqual({ prefix, name })
    }),
  )
  expect(splitName('plain')).toBe(null)
  expect(splitName('_x')).toBe(null)
})

test('a prefix that could be mistaken is refused', () => {
  for (const prefix of ['', 'a_b', '-a', 'a-', 'a b', 'ä', 'x'.repeat(33), 'search', 'Call']) {
    expect(refusal(prefix)).toBe('prefix_invalid')
  }
  expect(refusal('a-B9')).toBe(null)
})

test('two members have two prefixes, whatever their case', () => {
  expect(refusal('git', ['GIT'])).toBe('prefix_taken')
  expect(refusal('git', ['hub'])).toBe(null)
})

test('a prefix with which a name would be too long is refused', () => {
  expect(refusal('git', [], ['x'.repeat(124)])).toBe(null)
  expect(refusal('git', [], ['x'.repeat(125)])).toBe('prefix_invalid')
})

test('a collection has an end', () => {
  expect(
    refusal(
      'new',
      Array.from({ length: 50 }, (_, at) => `p${at}`),
    ),
  ).toBe('collection_full')
})

test('every slug has a prefix that can be used', () => {
  for (const slug of ['search', 'call', 'a', 'x'.repeat(48), `${'x'.repeat(31)}-y`]) {
    expect(refusal(defaultPrefix(slug))).toBe(null)
  }
})

test('tools are searched for when that was chosen, or when there are many', () => {
  expect(searchesTools('auto', 60, 60)).toBe(false)
  expect(searchesTools('auto', 60, 61)).toBe(true)
  expect(searchesTools('flat', 60, 1000)).toBe(false)
  expect(searchesTools('search', 60, 1)).toBe(true)
})
