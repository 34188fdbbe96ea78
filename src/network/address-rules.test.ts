import { expect, test } from 'vitest'
import { nonPublicReason } from './address-rules.ts'

test.each([
  '8.8.8.8',
  '1.1.1.1',
  '172.15.255.255',
  '172.32.0.1',
  '100.128.0.1',
  '2606:4700:4700::1111',
  '2a00:1450:4001:82a::200e',
])('%s is on the public internet', (address) => {
  expect(nonPublicReason(address)).toBeNull()
})

test.each([
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['0.0.0.0', 'unspecified'],
  ['0.1.2.3', 'unspecified'],
  ['10.0.0.1', 'private'],
  ['172.16.0.1', 'private'],
  ['192.168.1.1', 'private'],
  ['169.254.169.254', 'link-local'],
  ['100.64.0.1', 'carrier-grade'],
  ['100.127.255.255', 'carrier-grade'],
  ['224.0.0.1', 'multicast'],
  ['255.255.255.255', 'broadcast'],
  ['192.0.2.1', 'reserved'],
  ['198.18.0.1', 'reserved'],
  ['240.0.0.1', 'reserved'],
  ['::', 'unspecified'],
  ['::1', 'loopback'],
  ['fe80::1', 'link-local'],
  ['fc00::1', 'unique-local'],
  ['fd12:3456::1', 'unique-local'],
  ['ff02::1', 'multicast'],
  ['fec0::1', 'reserved'],
  ['::ffff:127.0.0.1', 'IPv4 address inside'],
  ['::ffff:8.8.8.8', 'IPv4 address inside'],
  ['::ffff:0:10.0.0.1', 'IPv4 address inside'],
  ['::127.0.0.1', 'IPv4 address inside'],
  ['64:ff9b::7f00:1', 'IPv4 address inside'],
  ['64:ff9b:1::7f00:1', 'IPv4 address inside'],
  ['2002:7f00:1::', 'IPv4 address inside'],
  ['2001:0:4136:e378::1', 'IPv4 address inside'],
  ['2001:db8::1', 'reserved'],
  ['100::1', 'reserved'],
  ['fe80::1%eth0', 'not a plain address'],
  ['localhost', 'not a plain address'],
  ['', 'not a plain address'],
])('%s is refused: %s', (address, reason) => {
  expect(nonPublicReason(address)).toContain(reason)
})
