import { expect, test } from 'vitest'
import { checkNetwork, networkWords, toForm, toPolicy } from './network-policy.ts'

const check = (hosts: string) => checkNetwork({ kind: 'listed', hosts })

test('what a form holds of a policy stands for that policy', () => {
  for (const policy of ['none' as const, 'internet' as const, ['a.example:443', '*.b.example:*']]) {
    expect(toPolicy(toForm(policy))).toEqual(policy)
  }
})

test('a long list is named by its beginning', () => {
  expect(networkWords(['a:1', 'b:2', 'c:3', 'd:4'])).toBe('Only a:1, b:2, c:3 and 1 more')
})

test('a list that the API would refuse is told of before', () => {
  expect(check('api.example.com')).toBe(true)
  expect(check(' ')).toBe('Name at least one host.')
  expect(check('a.example:443 https://b.example')).toMatch(/^https:\/\/b\.example is not a host/)
})
