import type { V1NetworkPolicy, V1NetworkPolicyEgressRule, V1NetworkPolicyPeer } from '@kubernetes/client-node'
import { INSTANCE_PORT } from '../elsewhere/index.ts'
import { owned, podSelector } from './manifests.ts'
import { releaseName, type Owner } from './names.ts'

/** What a NetworkPolicy can hold: it knows addresses, and no names. */
export type PodNetwork = 'none' | 'internet'

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
 * @param ownNamespace where Catwalk itself runs, which alone may then call them; null outside of the cluster
 */
export function networkPolicyManifest(
  owner: Owner,
  deploymentUid: string,
  network: PodNetwork,
  ownNamespace: string | null,
): V1NetworkPolicy {
  const ports = [{ protocol: 'TCP', port: INSTANCE_PORT }]
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { ...owned(owner, deploymentUid), name: releaseName(owner) },
    spec: {
      podSelector: { matchLabels: podSelector(owner) },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [ownNamespace === null ? { ports } : { _from: [catwalkIn(ownNamespace)], ports }],
      egress: network === 'none' ? [] : [NAMES, INTERNET],
    },
  }
}

function catwalkIn(namespace: string): V1NetworkPolicyPeer {
  return {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    podSelector: { matchLabels: { 'app.kubernetes.io/name': 'catwalk' } },
  }
}
