/**
 * Where an instance may connect to, through the egress proxy: nowhere, all public addresses, or the listed hosts only.
 * Rules of the list are `host:port`, `*.suffix:port` (every name below the suffix, not itself) or with the port `*`, in
 * small letters; what they name must be public as well.
 */
export type NetworkPolicy = 'none' | 'internet' | readonly string[]

/** What runtimes support, whatever a list holds. */
export type NetworkPolicyKind = 'none' | 'internet' | 'listed'

export function networkPolicyKind(policy: NetworkPolicy): NetworkPolicyKind {
  return typeof policy === 'string' ? policy : 'listed'
}

/** Whether a list of rules lets a host be reached at a port. */
export function isListed(rules: readonly string[], host: string, port: number): boolean {
  const name = plainName(host)
  return rules.some((rule) => {
    const [pattern, rulePort] = splitRule(rule)
    return (rulePort === '*' || Number(rulePort) === port) && nameMatches(pattern, name)
  })
}

/** Whether a list of rules names a host, at whichever port. */
export function isNamed(rules: readonly string[], host: string): boolean {
  const name = plainName(host)
  return rules.some((rule) => nameMatches(splitRule(rule)[0], name))
}

function nameMatches(pattern: string, name: string): boolean {
  return pattern.startsWith('*.')
    ? name.length > pattern.length - 1 && name.endsWith(pattern.slice(1))
    : name === pattern
}

function splitRule(rule: string): [pattern: string, port: string] {
  const colon = rule.lastIndexOf(':')
  return [rule.slice(0, colon), rule.slice(colon + 1)]
}

/** Names are the same in letters of any size, and with the dot of the root behind them. */
function plainName(host: string): string {
  return host.toLowerCase().replace(/\.$/, '')
}
