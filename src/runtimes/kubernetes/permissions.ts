import type { V1ResourceAttributes } from '@kubernetes/client-node'
import type { Cluster } from './cluster.ts'

/** All that we do in the namespace: what the Role of deploy/kubernetes grants, and nothing else. */
const PERMISSIONS: readonly Pick<V1ResourceAttributes, 'group' | 'resource' | 'subresource' | 'verb'>[] = [
  ...verbs('apps', 'deployments', ['get', 'list', 'create', 'update', 'delete']),
  ...verbs('', 'services', ['get', 'create']),
  // Never get or list: what others keep there is not for us.
  ...verbs('', 'secrets', ['create', 'delete']),
  ...verbs('', 'persistentvolumeclaims', ['get', 'create', 'update', 'delete']),
  ...verbs('', 'pods', ['list', 'watch']),
  { group: '', resource: 'pods', subresource: 'log', verb: 'get' },
  // A WebSocket is opened by GET; since 1.35 Kubernetes asks for the right to create as well.
  { group: '', resource: 'pods', subresource: 'attach', verb: 'get' },
  { group: '', resource: 'pods', subresource: 'attach', verb: 'create' },
  ...verbs('networking.k8s.io', 'networkpolicies', ['create', 'update']),
]

function verbs(group: string, resource: string, all: readonly string[]) {
  return all.map((verb) => ({ group, resource, verb }))
}

/** What of it the API server would refuse, in words such as `create secrets`. */
export async function missingPermissions(cluster: Cluster, signal: AbortSignal): Promise<readonly string[]> {
  const answers = await Promise.all(
    PERMISSIONS.map(async (wanted) => {
      const resourceAttributes = { ...wanted, namespace: cluster.namespace }
      const body = {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes },
      }
      const { status } = await cluster.ask(
        async ({ authorization }) => authorization.createSelfSubjectAccessReview({ body }),
        signal,
      )
      return { wanted, allowed: status?.allowed === true }
    }),
  )
  return answers
    .filter(({ allowed }) => !allowed)
    .map(({ wanted: { verb = '', resource = '', subresource } }) =>
      [verb, subresource === undefined ? resource : `${resource}/${subresource}`].join(' '),
    )
}
