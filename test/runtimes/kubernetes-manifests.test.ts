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
  type PodPlan,
  type PodRun,
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
  callers: null,
}
const owner: Owner = {
  installation: 'a1b2c3d4e5f60718',
  workspaceId: newId('workspace'),
  deploymentId: newId('deployment'),
  releaseId: newId('release'),
  instanceId: newId('instance'),
  epoch: 7,
}
const run: PodRun = {
  kind: 'bridge',
  secret: new Secret('s'.repeat(43)),
  document: '{"credentials":{"KEY":"s3cret"}}',
}
const plan: PodPlan = { owner, memoryMiB: 256, run }
const image: PodPlan = {
  owner: { ...owner, process: 1 },
  memoryMiB: 256,
  run: {
    kind: 'image',
    reference: `registry.example/team/server@sha256:${'a'.repeat(64)}`,
    argv: ['python3', '/app/server.py', '$(HOME)', '--key=s3cret'],
    argvIsPublic: false,
    environment: new Map([
      ['API_TOKEN', 's3cret'],
      ['HOME', '/home/server'],
    ]),
    files: [{ path: '/run/credentials/1-key.json', content: 's3cret' }],
    port: null,
  },
}
const further: PodPlan = { ...image, owner: { ...owner, process: 2 } }
const web: PodPlan = {
  ...image,
  run: { ...image.run, argvIsPublic: true, argv: ['server', '$(HOME) $1'], port: 3000 } as PodRun,
}

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
  ['a Deployment', deploymentManifest(settings, plan, 1)],
  ['a Deployment of an image', deploymentManifest(settings, image, 1)],
  ['a Deployment of a further process of an image', deploymentManifest(settings, further, 1, 'uid')],
  ['a Deployment of an image with a port', deploymentManifest(bare, web, 1)],
  ['a Secret of an image', secretManifest(image.owner, 'uid', image.run)],
  ['a Service of an image', serviceManifest(web.owner, 'uid', 3000)],
  ['a policy that lets nobody in', networkPolicyManifest(owner, 'uid', 'none', null, null)],
  [
    'a policy for callers elsewhere',
    networkPolicyManifest(owner, 'uid', 'none', { range: '10.0.0.0/8' }, 3000),
  ],
  ['a Deployment that sleeps', deploymentManifest(bare, plan, 0)],
  ['a Secret', secretManifest(owner, 'uid', run)],
  ['a Service', serviceManifest(owner, 'uid')],
  ['a claim', claimManifest(settings, owner)],
  ['a claim of the default class', claimManifest({ ...bare, volumeGiB: 5 }, owner)],
  ['a policy for the internet', networkPolicyManifest(owner, 'uid', 'internet', { namespace: 'catwalk' })],
  ['a policy for no network', networkPolicyManifest(owner, 'uid', 'none', null)],
])('%s is what the OpenAPI document of Kubernetes says', (_name, manifest) => {
  expect(objectProblem(onTheWire(manifest))).toBeNull()
})

test('what is to be found by the check is found: a wrong type, a member that there is not, a label', () => {
  const manifest = onTheWire(deploymentManifest(settings, plan, 1))
  const spec = fieldsOf(manifest['spec'])
  expect(objectProblem({ ...manifest, spec: { ...spec, replicas: '1' } })).toContain('replicas')
  expect(objectProblem({ ...manifest, spec: { ...spec, replica: 1 } })).toContain(
    'unknown field ".spec.replica"',
  )
  expect(objectProblem({ ...manifest, metadata: { name: 'a', labels: { a: 'no spaces' } } })).toContain(
    'labels',
  )
})

test.each([
  [settings, plan],
  [bare, plan],
  [settings, image],
  [bare, web],
])('a pod fits the restricted profile, also one of an image', (given, which) => {
  const spec = fieldsOf(onTheWire(deploymentManifest(given, which, 1))['spec'])
  const pod = fieldsOf(fieldsOf(spec['template'])['spec'])
  expect(restrictedProblems(pod)).toEqual([])
  // And the check would tell.
  expect(restrictedProblems({ ...pod, hostNetwork: true, securityContext: {} })).not.toEqual([])
})

test('a pod has no token of a service account, and no variables but its own three', () => {
  const pod = deploymentManifest(settings, plan, 1).spec?.template.spec
  expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false })
  const names = pod?.containers.flatMap(({ env }) => env?.map(({ name }) => name) ?? [])
  expect(names).toEqual(['CATWALK_INSTANCE_SECRET', 'CATWALK_INSTANCE_FILE', 'CATWALK_INSTANCE_PORT'])
  expect(JSON.stringify(deploymentManifest(settings, plan, 1))).not.toContain('s3cret')
})

test('a pod requests what its server may take and the bridge, and installations have room', () => {
  expect(resourcesFor(1_024)).toMatchObject({ requests: { memory: '1152Mi' }, limits: { memory: '1152Mi' } })
  expect(resourcesFor(128)).toMatchObject({ requests: { memory: '256Mi' }, limits: { memory: '768Mi' } })
})

test('names are the same each time, and as Kubernetes takes them', () => {
  expect(releaseName(owner)).toBe(releaseName({ ...owner }))
  expect(releaseName(owner)).toMatch(/^[a-z][a-z0-9-]{0,62}$/)
  expect(secretName(owner)).not.toBe(secretName({ instanceId: newId('instance') }))
  expect(releaseName(image.owner)).toBe(releaseName(owner))
  expect(releaseName({ ...owner, process: 123_456 })).toMatch(/^[a-z][a-z0-9-]{0,62}$/)
  expect(releaseName(further.owner)).not.toBe(releaseName(owner))
})

test('without a network nothing is let out, and Catwalk alone comes in', () => {
  const { spec } = networkPolicyManifest(owner, 'uid', 'none', { namespace: 'catwalk' })
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

test('what a server in an image is given stands in its Secret alone, and its words arrive to the letter', () => {
  for (const one of [image, further]) {
    const text = JSON.stringify(deploymentManifest(settings, one, 1))
    expect(text).not.toContain('s3cret')
    expect(text).not.toContain('/app/server.py')
  }
  const [container] = deploymentManifest(settings, image, 1).spec?.template.spec?.containers ?? []
  expect(container).toMatchObject({
    command: ['$(CATWALK_ARGUMENT_0)'],
    args: ['$(CATWALK_ARGUMENT_1)', '$(CATWALK_ARGUMENT_2)', '$(CATWALK_ARGUMENT_3)'],
    stdin: true,
    stdinOnce: true,
  })
  expect(secretManifest(image.owner, 'uid', image.run).stringData).toMatchObject({
    'value-2': '$(HOME)',
    'value-4': 's3cret',
    'file-0': 's3cret',
  })
  // Kubernetes expands $(NAME) and takes $$ for one dollar.
  const [plain] = deploymentManifest(settings, web, 1).spec?.template.spec?.containers ?? []
  expect(plain).toMatchObject({ command: ['server'], args: ['$$(HOME) $$1'] })
  expect(plain).not.toHaveProperty('stdin')
})

test('nobody comes in to a server that is reached by no port, and Catwalk alone to one that is, at that port', () => {
  expect(networkPolicyManifest(owner, 'uid', 'none', { namespace: 'catwalk' }, null).spec?.ingress).toEqual(
    [],
  )
  const range = { range: '10.2.0.0/16' }
  expect(networkPolicyManifest(owner, 'uid', 'none', range, 3000).spec?.ingress).toEqual([
    { _from: [{ ipBlock: { cidr: '10.2.0.0/16' } }], ports: [{ protocol: 'TCP', port: 3000 }] },
  ])
})
