import { expect, test } from 'vitest'
import { NetworkPolicy, readHosts } from './network-policy.ts'

test('hosts are read as people write them, and what has no port means HTTPS', () => {
  expect(readHosts(' API.example.com, *.example.org:8443\ndb.example.com:*  api.example.com')).toEqual([
    'api.example.com:443',
    '*.example.org:8443',
    'db.example.com:*',
  ])
})

test.each(['none', 'internet', ['a.example:443'], ['*.example.com:5432', '93.184.215.14:*']])(
  '%j is a policy',
  (policy) => {
    expect(NetworkPolicy.safeParse(policy).success).toBe(true)
  },
)

test.each([
  'all',
  [],
  ['a.example'],
  ['a.example:0'],
  ['a.example:65536'],
  ['*:443'],
  ['a.*.example:443'],
  ['A.example:443'],
  ['https://a.example:443'],
  ['a.example:443/x'],
  ['a b:443'],
  ['.example:443'],
])('%j is no policy', (policy) => {
  expect(NetworkPolicy.safeParse(policy).success).toBe(false)
})
