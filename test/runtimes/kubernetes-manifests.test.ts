import { expect, test } from 'vitest'
import { objectProblem, restrictedProblems, fieldsOf, type Json } from '../fakes/kubernetes/validate.ts'
import { newId, Secret } from '../../src/domain/index.ts'
import { nonPublicReason } from '../../src/network/address-rules.ts'
import {
  claimManifest,
  deploymentManifest,
  resourcesFor,
  secretManifest,
  serviceManifest,
  type PodSettings,
} from '../../src/runtimes/kubernetes/manifests.ts'
import { networkPolicyManifest } from '../../src/runtimes/kubernetes/network-policy.ts'
import { releaseName, secretName, type Owner } from '../../src/runtimes/kubernetes/names.ts'

const settings: PodSettings = {
  image: 'registry.example/catwalk/instance:1',
  volumeGiB: 1,
  storageClass: 'fast',
  runtimeClass: 'gvisor',
  pullSecret: 'registry-key',
}
const owner: Owner = {
  installation: 'a1b2c3d4e5f60718',
  workspaceId: newId('workspace'),
  deploymentId: newId('deployment'),
  releaseId: newId('release'),
  instanceId: newId('instance'),
  epoch: 7,
}
const told = { secret: new Secret('s'.repeat(43)), document: '{"credentials":{"KEY":"s3cret"}}' }

/** As it goes over the wire: the client has another name for `from`. */
function onTheWire(manifest: object): Json {
  return fieldsOf(JSON.parse(JSON.stringify(manifest).replaceAll('"_from"', '"from"')))
}

const bare: PodSettings = {
  ...settings,
  volumeGiB: 0,
  storageClass: null,
  runtimeClass: null,
  pullSecret: null,
}

test.each([
  ['a Deployment', deploymentManifest(settings, owner, 256, 1)],
  ['a Deployment that sleeps', deploymentManifest(bare, owner, 256, 0)],
  ['a Secret', secretManifest(owner, 'uid', told)],
  ['a Service', serviceManifest(owner, 'uid')],
  ['a claim', claimManifest(settings, owner)],
  ['a claim of the default class', claimManifest({ ...bare, volumeGiB: 5 }, owner)],
  ['a policy for the internet', networkPolicyManifest(owner, 'uid', 'internet', 'catwalk')],
  ['a policy for no network', networkPolicyManifest(owner, 'uid', 'none', null)],
])('%s is what the OpenAPI document of Kubernetes says', (_name, manifest) => {
  expect(objectProblem(onTheWire(manifest))).toBeNull()
})

test('what is to be found by the check is found: a wrong type, a member that there is not, a label', () => {
  const manifest = onTheWire(deploymentManifest(settings, owner, 256, 1))
  const spec = fieldsOf(manifest['spec'])
  expect(objectProblem({ ...manifest, spec: { ...spec, replicas: '1' } })).toContain('replicas')
  expect(objectProblem({ ...manifest, spec: { ...spec, replica: 1 } })).toContain(
    'unknown field ".spec.replica"',
  )
  expect(objectProblem({ ...manifest, metadata: { name: 'a', labels: { a: 'no spaces' } } })).toContain(
    'labels',
  )
})

test.each([settings, bare])('a pod fits the restricted profile', (given) => {
  const spec = fieldsOf(onTheWire(deploymentManifest(given, owner, 256, 1))['spec'])
  const pod = fieldsOf(fieldsOf(spec['template'])['spec'])
  expect(restrictedProblems(pod)).toEqual([])
  // And the check would tell.
  expect(restrictedProblems({ ...pod, hostNetwork: true, securityContext: {} })).not.toEqual([])
})

test('a pod has no token of a service account, and no variables but its own three', () => {
  const pod = deploymentManifest(settings, owner, 256, 1).spec?.template.spec
  expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false })
  const names = pod?.containers.flatMap(({ env }) => env?.map(({ name }) => name) ?? [])
  expect(names).toEqual(['CATWALK_INSTANCE_SECRET', 'CATWALK_INSTANCE_FILE', 'CATWALK_INSTANCE_PORT'])
  expect(JSON.stringify(deploymentManifest(settings, owner, 256, 1))).not.toContain('s3cret')
})

test('a pod requests what its server may take and the bridge, and installations have room', () => {
  expect(resourcesFor(1_024)).toMatchObject({ requests: { memory: '1152Mi' }, limits: { memory: '1152Mi' } })
  expect(resourcesFor(128)).toMatchObject({ requests: { memory: '256Mi' }, limits: { memory: '768Mi' } })
})

test('names are the same each time, and as Kubernetes takes them', () => {
  expect(releaseName(owner)).toBe(releaseName({ ...owner }))
  expect(releaseName(owner)).toMatch(/^[a-z][a-z0-9-]{0,62}$/)
  expect(secretName(owner.instanceId)).not.toBe(secretName(newId('instance')))
})

test('without a network nothing is let out, and Catwalk alone comes in', () => {
  const { spec } = networkPolicyManifest(owner, 'uid', 'none', 'catwalk')
  expect(spec?.policyTypes).toEqual(['Ingress', 'Egress'])
  expect(spec?.egress).toEqual([])
  expect(JSON.stringify(spec?.ingress)).toContain('"kubernetes.io/metadata.name":"catwalk"')
})

test('the internet is what is public elsewhere too: no range that the rules refuse is let out', () => {
  const { spec } = networkPolicyManifest(owner, 'uid', 'internet', null)
  const blocks = spec?.egress?.flatMap(({ to }) => to?.map(({ ipBlock }) => ipBlock) ?? []) ?? []
  const whole = blocks.find((block) => block?.cidr === '0.0.0.0/0')
  for (const range of whole?.except ?? []) expect(nonPublicReason(range.replace(/\/.*/, ''))).not.toBeNull()
  const within = (address: string): boolean => (whole?.except ?? []).some((range) => isWithin(address, range))
  const reached: string[] = []
  for (const first of Array.from({ length: 256 }, (_, index) => index)) {
    for (const second of [0, 64, 100, 127, 168, 254]) {
      const address = `${first}.${second}.0.1`
      if (nonPublicReason(address) !== null && !within(address)) reached.push(address)
    }
  }
  expect(reached).toEqual([])
})

/** An IPv4 address as a number. */
function number(text: string): number {
  return text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

function isWithin(address: string, range: string): boolean {
  const [network = '', bits = '0'] = range.split('/')
  const mask = 2 ** 32 - 2 ** (32 - Number(bits))
  return Math.floor(number(address) / (2 ** 32 - mask)) === Math.floor(number(network) / (2 ** 32 - mask))
}
