import { isIPv6 } from 'node:net'
import { HOP_BY_HOP_HEADERS } from '../../../domain/index.ts'

/** Splits a CONNECT target, `host:port` or `[IPv6]:port`; null for anything else. */
export function parseAuthority(text: string): { host: string; port: number } | null {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]{1,253})):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port < 1 || port > 65_535) return null
  const [, six, name] = match
  if (six !== undefined) return isIPv6(six) ? { host: six, port } : null
  return name === undefined ? null : { host: name, port }
}

/** The headers that go on, as name, value, name, value…: without those for this hop only and without `dropped`. */
export function endToEndHeaders(raw: readonly string[], dropped: readonly string[]): string[] {
  const skip = new Set([...HOP_BY_HOP_HEADERS, ...dropped])
  const pairs: [string, string][] = []
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const [name = '', value = ''] = [raw[index], raw[index + 1]]
    pairs.push([name, value])
    if (name.toLowerCase() === 'connection') {
      for (const named of value.split(',')) skip.add(named.trim().toLowerCase())
    }
  }
  return pairs.filter(([name]) => !skip.has(name.toLowerCase())).flat()
}
