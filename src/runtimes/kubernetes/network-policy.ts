import type { V1NetworkPolicy, V1NetworkPolicyEgressRule, V1NetworkPolicyPeer } from '@kubernetes/client-node'
import { INSTANCE_PORT } from '../elsewhere/index.ts'
import { owned, podSelector } from './manifests.ts'
import { releaseName, type Owner } from './names.ts'

/** What a NetworkPolicy can hold: it knows addresses, and no names. */
export type PodNetwork = 'none' | 'internet'

/** Where Catwalk calls from: pods of its own in a namespace, or addresses outside of the cluster. */
export type Callers = { readonly namespace: string } | { readonly range: string }

/** What is not the public internet: the ranges that no server may reach, as in `src/network`. */
const NOT_PUBLIC_4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]
/** All that is public lies in 2000::/3. */
const PUBLIC_6 = '2000::/3'
const NOT_PUBLIC_6 = ['2001::/32', '2001:db8::/32', '2002::/16']

const INTERNET: V1NetworkPolicyEgressRule = {
  to: [
    { ipBlock: { cidr: '0.0.0.0/0', except: NOT_PUBLIC_4 } },
    { ipBlock: { cidr: PUBLIC_6, except: NOT_PUBLIC_6 } },
  ],
}

const DNS_PORTS = [
  { protocol: 'UDP', port: 53 },
  { protocol: 'TCP', port: 53 },
]

/** The cluster's resolver, and the one of the node where there is one (NodeLocal DNSCache). */
const NAMES: V1NetworkPolicyEgressRule = {
  to: [
    { namespaceSelector: {}, podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } } },
    { ipBlock: { cidr: '169.254.20.10/32' } },
  ],
  ports: DNS_PORTS,
}

/**
 * Who reaches the pods of a release, and what they reach.
 * @param callers where Catwalk calls from, which alone may then call them; null where nobody said so
 * @param port the only one that is let in to; null for none
 */
export function networkPolicyManifest(
  owner: Owner,
  deploymentUid: string,
  network: PodNetwork,
  callers: Callers | null,
  port: number | null = INSTANCE_PORT,
): V1NetworkPolicy {
  const ports = port === null ? [] : [{ protocol: 'TCP', port }]
  const from = callers === null ? {} : { _from: [peerOf(callers)] }
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { ...owned(owner, deploymentUid), name: releaseName(owner) },
    spec: {
      podSelector: { matchLabels: podSelector(owner) },
      policyTypes: ['Ingress', 'Egress'],
      // A rule without ports would be one for all of them.
      ingress: port === null ? [] : [{ ...from, ports }],
      egress: network === 'none' ? [] : [NAMES, INTERNET],
    },
  }
}

function peerOf(callers: Callers): V1NetworkPolicyPeer {
  if ('range' in callers) return { ipBlock: { cidr: callers.range } }
  const { namespace } = callers
  return {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    podSelector: { matchLabels: { 'app.kubernetes.io/name': 'catwalk' } },
  }
}
