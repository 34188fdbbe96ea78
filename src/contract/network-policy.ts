import { z } from 'zod'

const PORT = String.raw`(?:6553[0-5]|655[0-2]\d|65[0-4]\d{2}|6[0-4]\d{3}|[1-5]\d{4}|[1-9]\d{0,3}|\*)`
const HOST_RULE = new RegExp(String.raw`^(?:\*\.)?[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?:${PORT}$`)

/** Where a server may connect to. */
export type NetworkPolicy = z.infer<typeof NetworkPolicy>
export const NetworkPolicy = z
  .union([
    z.enum(['none', 'internet']),
    z
      .array(z.string().regex(HOST_RULE, 'host:port, *.suffix:port or host:*, in small letters'))
      .min(1)
      .max(100),
  ])
  .describe(
    'none, internet (all public addresses), or the hosts that may be reached: host:port, *.suffix:port for all names below, host:* for every port. What is listed must be public too',
  )

const HTTPS_PORT = 443

/**
 * Reads hosts as people write them: separated by commas, spaces or lines, in letters of any size, without a port for
 * HTTPS. A single word is more likely a mistake than a host, so it needs its port. Whether each is one that the API takes
 * is not looked at.
 */
export function readHosts(text: string): string[] {
  const hosts = text.split(/[\s,]+/).filter((host) => host !== '')
  return [
    ...new Set(
      hosts
        .map((host) => (host.includes('.') && !host.includes(':') ? `${host}:${HTTPS_PORT}` : host))
        .map((one) => one.toLowerCase()),
    ),
  ]
}

/** Whether the API takes it as a host of the list. */
export function isHostRule(text: string): boolean {
  return HOST_RULE.test(text)
}
