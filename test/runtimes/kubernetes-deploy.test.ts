import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/index.ts'
import { networkPolicyManifest } from '../../src/runtimes/kubernetes/network-policy.ts'
import { manifestsOf } from '../fakes/kubernetes/roles.ts'
import {
  fieldsOf,
  listOf,
  objectProblem,
  restrictedProblems,
  type Json,
} from '../fakes/kubernetes/validate.ts'

const FILES = ['servers.yaml', 'catwalk.yaml', 'ingress.yaml']

const podOf = (deployment: Json | undefined): Json =>
  fieldsOf(fieldsOf(fieldsOf(deployment?.['spec'])['template'])['spec'])

test.each(FILES)('every object of %s is what the OpenAPI document of Kubernetes says', async (file) => {
  for (const manifest of await manifestsOf(file)) expect(objectProblem(manifest)).toBeNull()
})

test('Catwalk itself runs without rights, and its settings are settings', async () => {
  const deployment = (await manifestsOf('catwalk.yaml')).find(({ kind }) => kind === 'Deployment')
  const pod = podOf(deployment)
  expect(restrictedProblems(pod)).toEqual([])
  const [container] = listOf(pod['containers'])
  const secrets: Readonly<Record<string, string>> = {
    DATABASE_URL: 'postgresql://catwalk:x@db.example/catwalk',
    CATWALK_MASTER_KEY: Buffer.alloc(32, 1).toString('base64'),
  }
  const given = listOf(container?.['env']).map(({ name, value }) => [
    String(name),
    secrets[String(name)] ?? String(value).replace('$(POD_IP)', '10.0.0.5'),
  ])
  const environment = Object.fromEntries(given.filter(([name]) => name !== 'POD_IP')) as Record<
    string,
    string
  >
  const machine = { isRoot: false, home: '/data', isTerminal: false }
  const config = loadConfig({ env: environment, flags: {}, machine })
  expect(config).toMatchObject({
    kubernetesRuntime: true,
    localRuntime: false,
    internalUrl: 'http://10.0.0.5:7420',
    kubernetesNamespace: 'catwalk-servers',
    roles: ['api', 'gateway', 'reconciler'],
  })
})

test('the way in leads to its pods, and pods of servers let them in', async () => {
  const all = [...(await manifestsOf('catwalk.yaml')), ...(await manifestsOf('ingress.yaml'))]
  const [deployment, service, ingress] = ['Deployment', 'Service', 'Ingress'].map((wanted) =>
    all.find(({ kind }) => kind === wanted),
  )
  const labels = fieldsOf(
    fieldsOf(fieldsOf(fieldsOf(deployment?.['spec'])['template'])['metadata'])['labels'],
  )
  expect(labels).toMatchObject(fieldsOf(fieldsOf(service?.['spec'])['selector']))
  const owner = { installation: 'a1', workspaceId: 'ws_1', deploymentId: 'dep_1', releaseId: 'rel_1' }
  const namespace = String(fieldsOf(deployment?.['metadata'])['namespace'])
  const policy = networkPolicyManifest({ ...owner, instanceId: 'ins_1', epoch: 1 }, 'uid', 'none', {
    namespace,
  })
  const [rule] = policy.spec?.ingress ?? []
  // The official type's name for what is `from` on the wire.
  const [peer] = rule?.['_from'] ?? []
  const allowed = peer?.podSelector?.matchLabels
  expect(allowed).toBeDefined()
  expect(labels).toMatchObject(allowed ?? {})
  const [port] = listOf(fieldsOf(service?.['spec'])['ports'])
  const backend = { service: { name: 'catwalk', port: { name: port?.['name'] } } }
  expect(ingress).toMatchObject({ spec: { rules: [{ http: { paths: [{ backend }] } }] } })
})

test('it may do nothing but what its Role says, in the namespace of the servers alone', async () => {
  const all = (await Promise.all(FILES.map(manifestsOf))).flat()
  expect(all.filter(({ kind }) => String(kind).startsWith('ClusterRole'))).toEqual([])
  const roles = all.filter(({ kind }) => kind === 'Role')
  expect(roles).toHaveLength(1)
  const rules = listOf(roles[0]?.['rules'])
  expect(JSON.stringify(rules)).not.toContain('*')
  const secrets = rules.find(({ resources }) => JSON.stringify(resources) === '["secrets"]')
  expect(secrets?.['verbs']).toEqual(['create', 'delete'])
  const [binding] = all.filter(({ kind }) => kind === 'RoleBinding')
  expect(binding).toMatchObject({
    metadata: { namespace: 'catwalk-servers' },
    subjects: [{ kind: 'ServiceAccount', name: 'catwalk', namespace: 'catwalk' }],
  })
})
