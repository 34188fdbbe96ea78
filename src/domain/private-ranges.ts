import ipaddr from 'ipaddr.js'

/** Whether an address, as text, is one of those that were allowed. */
export type AddressRule = (address: string) => boolean

// Loopback, link-local and with it the metadata addresses of clouds are none of these, and stay out of reach for good.
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'].map((range) =>
  ipaddr.parseCIDR(range),
)

/** Whether an address or a range in CIDR notation lies within a private network. */
export function isPrivateRange(text: string): boolean {
  const range = parse(text)
  return range !== null && PRIVATE.some((network) => contains(network, range[0]) && range[1] >= network[1])
}

/** @param ranges see {@link isPrivateRange}; others allow nothing */
export function allowRanges(ranges: readonly string[]): AddressRule {
  const parsed = ranges.map(parse).filter((range) => range !== null)
  return (address) =>
    ipaddr.isValid(address) && parsed.some((range) => contains(range, ipaddr.parse(address)))
}

type Range = readonly [ipaddr.IPv4 | ipaddr.IPv6, number]

function parse(text: string): Range | null {
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text)
  if (!ipaddr.isValid(text)) return null
  const address = ipaddr.parse(text)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

function contains([network, bits]: Range, address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return address.kind() === network.kind() && address.match(network, bits)
}
