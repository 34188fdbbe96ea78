import ipaddr from 'ipaddr.js'
import type { AddressRule } from '../domain/index.ts'

/**
 * Why `address` (text of an IPv4 or IPv6 address) is not on the public internet, or null when it is. Forms that carry an
 * IPv4 address inside an IPv6 one are refused as such, whatever they carry: nobody needs them to reach a public host.
 * @param mayReach private addresses that count as public
 */
export function nonPublicReason(address: string, mayReach: AddressRule = () => false): string | null {
  // A zone such as %eth0 names an interface of the host.
  if (address.includes('%') || !ipaddr.isValid(address)) return 'not a plain address'
  const parsed = ipaddr.parse(address)
  const range = parsed.range()
  if (REACHABLE.has(range) && mayReach(address)) return null
  if (range !== 'unicast') return REASON[range] ?? 'reserved'
  if (parsed.kind() === 'ipv6' && !parsed.match(GLOBAL_UNICAST)) return 'reserved'
  return null
}

// What private networks are made of.
const REACHABLE: ReadonlySet<string> = new Set(['private', 'uniqueLocal', 'carrierGradeNat'])

// All of IPv6 that is in use on the internet (RFC 4291). The rest is reserved or has local meaning, such as
// IPv4-compatible addresses, the old site-local range and local NAT64 prefixes.
const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3')

const REASON: Readonly<Record<string, string>> = {
  private: 'private address',
  loopback: 'loopback address',
  linkLocal: 'link-local address',
  uniqueLocal: 'unique-local address',
  carrierGradeNat: 'carrier-grade NAT address',
  multicast: 'multicast address',
  broadcast: 'broadcast address',
  unspecified: 'unspecified address',
  ipv4Mapped: 'IPv4 address inside an IPv6 one',
  rfc6145: 'IPv4 address inside an IPv6 one',
  rfc6052: 'IPv4 address inside an IPv6 one',
  '6to4': 'IPv4 address inside an IPv6 one',
  teredo: 'IPv4 address inside an IPv6 one',
}
