import { expect, test } from 'vitest'
import { endToEndHeaders, parseAuthority } from './proxy-requests.ts'

test('a CONNECT target is a host and a port', () => {
  expect(parseAuthority('example.com:443')).toEqual({ host: 'example.com', port: 443 })
  expect(parseAuthority('[2001:db8::1]:8443')).toEqual({ host: '2001:db8::1', port: 8443 })
})

test.each([
  '',
  'example.com',
  ':443',
  'example.com:0',
  'example.com:65536',
  'a b:1',
  'u@h:1',
  '[::1:80',
  '::1:80',
  'h:1/x',
])('%j is no CONNECT target', (text) => {
  expect(parseAuthority(text)).toBeNull()
})

test('headers for this hop only do not go on, nor those that Connection names', () => {
  const raw = [
    'Accept',
    '*/*',
    'Proxy-Authorization',
    'x',
    'Connection',
    'close, X-Hop',
    'x-hop',
    '1',
    'X-Keep',
    '2',
  ]
  expect(endToEndHeaders(raw, [])).toEqual(['Accept', '*/*', 'X-Keep', '2'])
})

test('a header that comes twice stays twice', () => {
  expect(endToEndHeaders(['Set-Cookie', 'a', 'Set-Cookie', 'b'], [])).toEqual([
    'Set-Cookie',
    'a',
    'Set-Cookie',
    'b',
  ])
})
