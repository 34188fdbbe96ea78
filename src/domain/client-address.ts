import ipaddr from 'ipaddr.js'

/**
 * Tells who a request comes from.
 * @param peer address of the other end of the connection
 * @param forwardedFor the header `X-Forwarded-For`
 * @returns the address in its shortest form, null when it is not known
 */
export type AddressReader = (peer: string | undefined, forwardedFor: string | undefined) => string | null

type Range = readonly [ipaddr.IPv4 | ipaddr.IPv6, number]

const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/** Whether this can be trusted as a proxy: an address, a range such as `10.0.0.0/8`, `loopback` or `private`. */
export function isProxyRange(text: string): boolean {
  return Object.hasOwn(NAMED, text) || ipaddr.isValidCIDR(text) || ipaddr.isValid(text)
}

/**
 * Believes `X-Forwarded-For` as far as it was written by trusted proxies: from the right, the first address that is none
 * of theirs is the client's. What stands left of it anybody can have written.
 * @param trusted see {@link isProxyRange}; none: the header is not looked at
 */
export function createAddressReader(trusted: readonly string[]): AddressReader {
  const ranges = trusted.flatMap((text) => NAMED[text] ?? [text]).map(parseRange)
  if (ranges.length === 0) return (peer) => (peer === undefined ? null : plain(peer))
  const isTrusted = (address: string): boolean => {
    const parsed = ipaddr.process(address)
    return ranges.some((range) => parsed.kind() === range[0].kind() && parsed.match([...range]))
  }
  return (peer, forwardedFor) => {
    if (peer === undefined) return null
    let client = plain(peer)
    const hops = forwardedFor?.split(',') ?? []
    for (let hop = hops.pop(); hop !== undefined && isTrusted(client); hop = hops.pop()) {
      const address = withoutPort(hop.trim())
      // A trusted proxy that writes something else is believed no further.
      if (!ipaddr.isValid(address)) break
      client = plain(address)
    }
    return client
  }
}

/** Who an address stands for when requests are counted: an IPv6 customer owns a /64, so all of it counts as one. */
export function rateKey(address: string | null): string {
  if (address === null || !ipaddr.isValid(address)) return 'unknown'
  const parsed = ipaddr.process(address)
  if (parsed.kind() === 'ipv4') return parsed.toString()
  return `${parsed.toByteArray().slice(0, 8).join('.')}/64`
}

function parseRange(text: string): Range {
  if (text.includes('/')) return ipaddr.parseCIDR(text)
  const address = ipaddr.process(text)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

/** IPv4 addresses that came over an IPv6 socket are written as what they are. */
function plain(address: string): string {
  return address.startsWith('::ffff:') ? ipaddr.process(address).toString() : address
}

/** `192.0.2.1:4711` and `[2001:db8::1]:4711`, which some proxies write. */
function withoutPort(text: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(text)
  if (bracketed?.[1] !== undefined) return bracketed[1]
  return /^[\d.]+:\d+$/.test(text) ? text.slice(0, text.indexOf(':')) : text
}
