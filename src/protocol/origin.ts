const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

export interface OriginPolicy {
  /** Names that `Host` may give, without port, lower case; null accepts any. */
  readonly hosts: ReadonlySet<string> | null
  /** Origins that pages may call from, such as `https://app.example`. */
  readonly origins: ReadonlySet<string>
  /** Whether pages on localhost may call, whatever their port. */
  readonly loopbackPages: boolean
}

/** For a server that listens on loopback only: local names and local pages, nothing else (no DNS rebinding). */
export function loopbackPolicy(origins: Iterable<string> = []): OriginPolicy {
  return { hosts: LOOPBACK, origins: new Set(origins), loopbackPages: true }
}

/** Whether a listening address is reachable from this machine only. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host)
}

/** Why a request must be refused, or null. A request without `Origin` does not come from a page. */
export function originProblem(
  policy: OriginPolicy,
  host: string | undefined,
  origin: string | undefined,
): 'host' | 'origin' | null {
  if (policy.hosts !== null && (host === undefined || !policy.hosts.has(hostName(host)))) return 'host'
  return origin === undefined || allowsOrigin(policy, origin) ? null : 'origin'
}

/** Whether a page of this origin may call. */
export function allowsOrigin(policy: OriginPolicy, origin: string): boolean {
  if (policy.origins.has(origin)) return true
  if (!policy.loopbackPages) return false
  const match = /^https?:\/\/([^/@]+)$/.exec(origin)
  return match?.[1] !== undefined && LOOPBACK.has(hostName(match[1]))
}

/** The name in `name:port`, lower case. */
export function hostName(authority: string): string {
  const port = /:\d+$/.exec(authority)
  return (port === null ? authority : authority.slice(0, port.index)).toLowerCase()
}
