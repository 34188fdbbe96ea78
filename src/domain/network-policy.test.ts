import { expect, test } from 'vitest'
import { isListed, isNamed } from './network-policy.ts'

const RULES = ['api.example.com:443', '*.example.org:8443', 'db.example.com:*']

test.each([
  ['api.example.com', 443],
  ['API.Example.com.', 443],
  ['a.example.org', 8443],
  ['a.b.example.org', 8443],
  ['db.example.com', 5432],
])('%s at %i is listed', (host, port) => {
  expect(isListed(RULES, host, port)).toBe(true)
})

test.each([
  ['api.example.com', 80],
  ['example.com', 443],
  ['xapi.example.com', 443],
  ['api.example.com.evil.example', 443],
  ['example.org', 8443],
  ['evilexample.org', 8443],
  ['api.example.com..', 443],
  ['', 443],
])('%s at %i is not', (host, port) => {
  expect(isListed(RULES, host, port)).toBe(false)
})

test('a name may be asked for when a rule names it, whatever the port', () => {
  expect(['api.example.com', 'x.example.org', 'db.example.com.'].every((host) => isNamed(RULES, host))).toBe(
    true,
  )
  expect(isNamed(RULES, 'other.example.com')).toBe(false)
})
