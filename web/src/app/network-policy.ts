import { isHostRule, readHosts } from '../../../src/contract/index.ts'
import type { Release } from '../api/client.ts'

export type NetworkKind = 'none' | 'internet' | 'listed'

/** What a form holds of a policy. */
export interface NetworkForm {
  readonly kind: NetworkKind
  /** As typed, for a list. */
  readonly hosts: string
}

/** The policy that a form stands for. */
export function toPolicy({ kind, hosts }: NetworkForm): Release['network'] {
  return kind === 'listed' ? readHosts(hosts) : kind
}

export function toForm(policy: Release['network']): NetworkForm {
  return typeof policy === 'string'
    ? { kind: policy, hosts: '' }
    : { kind: 'listed', hosts: policy.join('\n') }
}

const HOSTS_SHOWN = 3

/** A policy in words. */
export function networkWords(policy: Release['network']): string {
  if (policy === 'none') return 'No network'
  if (policy === 'internet') return 'Public internet'
  const more = policy.length - HOSTS_SHOWN
  return `Only ${policy.slice(0, HOSTS_SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

/** Why a form cannot be sent, or true. */
export function checkNetwork({ kind, hosts: text }: NetworkForm): true | string {
  if (kind !== 'listed') return true
  const hosts = readHosts(text)
  if (hosts.length === 0) return 'Name at least one host.'
  const wrong = hosts.find((host) => !isHostRule(host))
  return (
    wrong === undefined || `${wrong.slice(0, 80)} is not a host with a port, such as api.example.com:443.`
  )
}
