import { expect, test } from 'vitest'
import { createAddressReader, isProxyRange, rateKey } from './client-address.ts'

test('without trusted proxies the header says nothing', () => {
  const read = createAddressReader([])
  expect(read('203.0.113.5', '198.51.100.1')).toBe('203.0.113.5')
  expect(read('::ffff:203.0.113.5', undefined)).toBe('203.0.113.5')
  expect(read(undefined, '198.51.100.1')).toBeNull()
})

test.for([
  ['127.0.0.1', '198.51.100.1', '198.51.100.1'],
  ['::1', '198.51.100.1', '198.51.100.1'],
  ['::ffff:127.0.0.1', '198.51.100.1:4711', '198.51.100.1'],
  ['127.0.0.1', '[2001:db8::1]:4711', '2001:db8::1'],
  // What the client itself wrote stands on the left.
  ['127.0.0.1', '6.6.6.6, 198.51.100.1', '198.51.100.1'],
  ['127.0.0.1', '6.6.6.6, 198.51.100.1, 10.1.2.3', '198.51.100.1'],
  ['127.0.0.1', '198.51.100.1, nonsense', '127.0.0.1'],
  ['127.0.0.1', '', '127.0.0.1'],
  ['127.0.0.1', undefined, '127.0.0.1'],
  // Not from a proxy of ours.
  ['203.0.113.5', '198.51.100.1', '203.0.113.5'],
] as const)('behind proxies, %s with %j is %s', ([peer, header, expected]) => {
  expect(createAddressReader(['loopback', '10.0.0.0/8'])(peer, header)).toBe(expected)
})

test('a chain of proxies only is the first of them', () => {
  expect(createAddressReader(['private'])('10.0.0.1', '10.0.0.3, 10.0.0.2')).toBe('10.0.0.3')
})

test('ranges are addresses, CIDR blocks and the two names', () => {
  for (const good of ['10.0.0.0/8', '::1', '192.0.2.1', 'loopback', 'private', '2001:db8::/32']) {
    expect(isProxyRange(good)).toBe(true)
  }
  for (const bad of ['10.0.0.0/33', 'everyone', '*', '', '__proto__', 'example.com']) {
    expect(isProxyRange(bad)).toBe(false)
  }
})

test('an IPv6 customer is counted as one, whatever address of the own network is used', () => {
  expect(rateKey('2001:db8:1:2:3:4:5:6')).toBe(rateKey('2001:db8:1:2::1'))
  expect(rateKey('2001:db8:1:3::1')).not.toBe(rateKey('2001:db8:1:2::1'))
  expect(rateKey('::ffff:192.0.2.1')).toBe('192.0.2.1')
  expect(rateKey(null)).toBe('unknown')
  expect(rateKey('nonsense')).toBe('unknown')
})
