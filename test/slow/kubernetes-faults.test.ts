import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId, Secret, type Instance } from '../../src/domain/index.ts'
import { createKubernetesRuntime } from '../../src/runtimes/kubernetes/index.ts'
import { CALLER, evaluate, releaseOf, type Release } from '../runtimes/release.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'
import { startKubernetesRuntime, type KubernetesRuntimeUnderTest } from './kubernetes-runtime.ts'

const never = new AbortController().signal

let subject: KubernetesRuntimeUnderTest
beforeAll(async () => {
  subject = await startKubernetesRuntime()
})
afterAll(async () => {
  await subject[Symbol.asyncDispose]()
})

let lock: string | null = null

interface Started extends AsyncDisposable {
  readonly release: Release
  readonly lockFile: string
  readonly instance: Instance
}

async function started(
  runtime = subject.runtime,
  network: 'internet' | 'none' = 'internet',
): Promise<Started> {
  const release = releaseOf(subject.packageOf('@fixture/evaluator', 'evaluator'), { network })
  const prepared = await runtime.prepare({ ...release.prepare, lockFile: lock }, never)
  lock = prepared.lockFile
  const instance = await runtime.start(release.start(lock), never)
  return {
    release,
    lockFile: lock,
    instance,
    async [Symbol.asyncDispose]() {
      await instance.stop(500)
      await runtime.purge(release.prepare.deploymentId, never)
      await isEmpty(release.prepare.deploymentId)
    },
  }
}

const RESOURCES = ['deployments', 'pods', 'services', 'secrets', 'networkpolicies', 'persistentvolumeclaims']

/** Until nothing of a deployment is left, or of any. */
async function isEmpty(deploymentId: string | null = null): Promise<void> {
  const { kubernetes } = subject
  const left = (): readonly unknown[] =>
    RESOURCES.flatMap((resource) => kubernetes.objects(resource)).filter(
      ({ metadata }) => deploymentId === null || metadata.labels?.['catwalk/deployment'] === deploymentId,
    )
  await until('nothing is left', () => (left().length === 0 ? true : null))
}

test('a release is a Deployment with its Service and NetworkPolicy; its Secret is gone once it runs; nothing stays', async () => {
  const { kubernetes } = subject
  {
    await using it = await started()
    expect(await evaluate(it.instance, 'return 6 * 7')).toBe(42)
    await until('the secret is gone', () => (kubernetes.objects('secrets').length === 0 ? true : null))
    for (const resource of ['deployments', 'pods', 'services', 'networkpolicies', 'persistentvolumeclaims'])
      expect(kubernetes.objects(resource)).toHaveLength(1)
    // Neither does the server find it in a file, nor can it write where it need not.
    const look = `const fs = require('node:fs'); try { fs.writeFileSync('/etc/mark', '') } catch (error) { return [fs.readdirSync('/run'), error.code] }`
    expect(await evaluate(it.instance, look)).toEqual([[], 'EROFS'])
    await it.instance.stop(500)
    // Asleep: scaled to zero, and what it wrote is kept.
    expect(kubernetes.objects('deployments')).toMatchObject([{ spec: { replicas: 0 } }])
    await until('no pod is left', () => (kubernetes.objects('pods').length === 0 ? true : null))
    expect(kubernetes.objects('persistentvolumeclaims')).toHaveLength(1)
  }
  await isEmpty()
})

test('the Role that we publish grants what is done, and the doctor names what is missing', async () => {
  const { kubernetes, options } = subject
  expect(await subject.runtime.status(never)).toMatchObject({ ok: true })
  await using other = await startKubernetesRuntime()
  other.kubernetes.deny({ group: '', resource: 'secrets', verb: 'create' })
  other.kubernetes.deny({ group: '', resource: 'pods/log', verb: 'get' })
  expect(await other.runtime.status(never)).toMatchObject({
    ok: false,
    reason: expect.stringContaining('create secrets, get pods/log'),
    fix: expect.stringContaining('kubectl apply'),
  })
  const release = releaseOf(subject.packageOf('@fixture/evaluator', 'evaluator'), { network: 'internet' })
  const refused = await catwalkErrorOf(other.runtime.prepare(release.prepare, never))
  expect(refused).toMatchObject({ code: 'runtime_unavailable', message: expect.stringContaining('secrets') })
  // What nobody grants is not asked for anywhere else in these tests: each refusal is a violation.
  expect(kubernetes.violations).toEqual([])
  const wrong = createKubernetesRuntime({ ...options, cluster: { ...options.cluster, context: 'other' } })
  expect(await wrong.status(never)).toMatchObject({ ok: false, fix: expect.stringContaining('kubeconfig') })
})

test('in a pod the service account says where the cluster is, and who may call servers', async () => {
  const { kubernetes, options } = subject
  await using root = await temporaryDirectory()
  const account = join(root.path, 'var/run/secrets/kubernetes.io/serviceaccount')
  await mkdir(account, { recursive: true })
  await writeFile(join(account, 'token'), kubernetes.token)
  await writeFile(join(account, 'ca.crt'), kubernetes.authority)
  await writeFile(join(account, 'namespace'), 'catwalk')
  const { hostname, port } = new URL(kubernetes.server)
  const environment = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port }
  Object.assign(process.env, environment)
  try {
    const cluster = {
      ...options.cluster,
      kubeconfig: null,
      namespace: kubernetes.namespace,
      serviceAccountRoot: root.path,
    }
    const runtime = createKubernetesRuntime({ ...options, cluster })
    await using it = await started(runtime)
    expect(await evaluate(it.instance, 'return 1')).toBe(1)
    const [policy] = kubernetes.objects('networkpolicies')
    expect(JSON.stringify(policy?.['spec'])).toContain('"kubernetes.io/metadata.name":"catwalk"')
  } finally {
    for (const name of Object.keys(environment)) delete process.env[name]
  }
})

test('429 and errors of the API server are waited for, and while it is away calls go on', async () => {
  const { kubernetes } = subject
  await using it = await started()
  kubernetes.refuseNext(2, 429)
  await it.instance.stop(500)
  kubernetes.refuseNext(3, 503)
  const again = await subject.runtime.start(it.release.start(it.lockFile), never)
  kubernetes.setAway(true)
  expect(await evaluate(again, 'return 2')).toBe(2)
  kubernetes.setAway(false)
  expect(await evaluate(again, 'return 3')).toBe(3)
  await again.stop(500)
})

test('a pod that is stopped while the API server is away is ended when it is back', async () => {
  const { kubernetes, options } = subject
  const runtime = createKubernetesRuntime({ ...options, cluster: { ...options.cluster, patienceMs: 60_000 } })
  await using it = await started(runtime)
  kubernetes.setAway(true)
  const stopping = it.instance.stop(500)
  expect(await it.instance.ended).toMatchObject({ reason: 'stopped' })
  kubernetes.setAway(false)
  await stopping
  await until('no pod is left', () => (kubernetes.objects('pods').length === 0 ? true : null))
})

test('the watch goes on after it was cut, and begins anew when the server has forgotten', async () => {
  const { kubernetes } = subject
  await using it = await started()
  kubernetes.cutWatches()
  kubernetes.compact()
  kubernetes.cutWatches()
  const [pod] = kubernetes.objects('pods')
  kubernetes.nodes.vanish(pod?.metadata.name ?? '')
  expect(await it.instance.ended).toMatchObject({ reason: 'exited' })
  const listed = kubernetes.requests.filter((request) => request === 'list pods').length
  expect(listed).toBeGreaterThan(1)
})

test('a pod that vanishes ends its instance, and the next one has what was kept', async () => {
  const { kubernetes, runtime } = subject
  await using it = await started()
  await evaluate(it.instance, `require('node:fs').writeFileSync('note', 'kept'); return 0`)
  const [pod] = kubernetes.objects('pods')
  kubernetes.nodes.vanish(pod?.metadata.name ?? '')
  expect(await it.instance.ended).toEqual({ reason: 'exited', exitCode: null, signal: null })
  const next = await runtime.start(it.release.start(it.lockFile), never)
  expect(await evaluate(next, `return require('node:fs').readFileSync('note', 'utf8')`)).toBe('kept')
  await next.stop(500)
})

test('a node that is emptied ends the instance, and the pod that comes in its place runs nothing', async () => {
  const { kubernetes } = subject
  await using it = await started()
  await until('the secret is gone', () => (kubernetes.objects('secrets').length === 0 ? true : null))
  kubernetes.evict(kubernetes.objects('pods')[0]?.metadata.name ?? '')
  expect(await it.instance.ended).toMatchObject({ reason: 'exited' })
  await until('no pod is left', () => (kubernetes.objects('pods').length === 0 ? true : null))
})

test('a pod whose memory is used up is told as such', async () => {
  const { kubernetes } = subject
  await using it = await started()
  kubernetes.nodes.exhaust(kubernetes.objects('pods')[0]?.metadata.name ?? '')
  expect(await it.instance.ended).toMatchObject({ reason: 'out_of_memory' })
  const said = it.release.lines.map(({ line }) => line).join('\n')
  expect(said).toContain('its memory was used up')
})

test('what keeps a pod from starting is said: the image, a quota', async () => {
  const { kubernetes, options, runtime } = subject
  await using it = await started()
  await it.instance.stop(500)
  kubernetes.nodes.missingImages.add('registry.example/missing:1')
  const other = createKubernetesRuntime({
    ...options,
    pods: { ...options.pods, image: 'registry.example/missing:1' },
  })
  const image = await catwalkErrorOf(other.start(it.release.start(it.lockFile), never))
  expect(image.code).toBe('runtime_unavailable')
  expect(image.message).toContain('ImagePullBackOff')
  kubernetes.forbidPods('exceeded quota: compute')
  const quota = await catwalkErrorOf(runtime.start(it.release.start(it.lockFile), never))
  expect(quota.message).toContain('exceeded quota')
  kubernetes.forbidPods(null)
  const again = await runtime.start(it.release.start(it.lockFile), never)
  expect(await evaluate(again, 'return 1')).toBe(1)
  await again.stop(500)
})

test('an earlier holder of the lease cannot start what a later one runs, from another program either', async () => {
  const { kubernetes, options, runtime } = subject
  await using it = await started()
  const other = createKubernetesRuntime(options)
  const later = await other.start(it.release.start(it.lockFile, { epoch: 5 }), never)
  expect((await it.instance.ended).reason).not.toBe('out_of_memory')
  const early = await catwalkErrorOf(runtime.start(it.release.start(it.lockFile, { epoch: 2 }), never))
  expect(early.message).toContain('later holder')
  // And its stop, which comes late, leaves the other one alone.
  await it.instance.stop(0)
  expect(await evaluate(later, 'return 1')).toBe(1)
  expect(kubernetes.objects('pods')).toHaveLength(1)
  await later.stop(500)
})

test('while a release is handed over both have what was kept, and one Deployment remains', async () => {
  const { kubernetes, runtime } = subject
  await using it = await started()
  await evaluate(it.instance, `require('node:fs').writeFileSync('note', 'kept'); return 0`)
  const next = await runtime.start(it.release.start(it.lockFile, { releaseId: newId('release') }), never)
  expect(await evaluate(next, `return require('node:fs').readFileSync('note', 'utf8')`)).toBe('kept')
  await it.instance.stop(500)
  await until('one is left', () => (kubernetes.objects('deployments').length === 1 ? true : null))
  expect(await evaluate(next, 'return 1')).toBe(1)
  await next.stop(500)
})

test('without a network the packages are installed before, once', async () => {
  const { kubernetes, runtime } = subject
  const before = kubernetes.requests.filter((request) => request === 'create deployments').length
  await using it = await started(runtime, 'none')
  expect(await evaluate(it.instance, 'return 1')).toBe(1)
  const [policy] = kubernetes.objects('networkpolicies')
  expect(policy).toMatchObject({ spec: { policyTypes: ['Ingress', 'Egress'], egress: [] } })
  const again = await runtime.prepare({ ...it.release.prepare, lockFile: it.lockFile }, never)
  expect(again.fromStore).toBe(true)
  const made = kubernetes.requests.filter((request) => request === 'create deployments').length - before
  expect(made).toBe(2)
})

test('a pod whose program ended while nobody could say so is put to rest by the next start', async () => {
  const { kubernetes } = subject
  await using it = await started()
  const [deployment] = kubernetes.objects('deployments')
  const { name = '' } = deployment?.metadata ?? {}
  const replicas = (): unknown =>
    kubernetes.objects('deployments').find(({ metadata }) => metadata.name === name)?.['spec']
  kubernetes.setAway(true)
  await catwalkErrorOf(
    it.instance.endpoint.request(
      'tools/call',
      { name: 'evaluate', arguments: { code: 'process.exit(1)' } },
      CALLER,
      AbortSignal.timeout(15_000),
    ),
  )
  expect(await it.instance.ended).toMatchObject({ reason: 'exited', exitCode: 1 })
  await it.instance.stop(0)
  // The server has ended before the program around it, which tells of it first.
  await until('its program has ended', () =>
    JSON.stringify(kubernetes.objects('pods')).includes('"terminated"') ? true : null,
  )
  kubernetes.setAway(false)
  expect(replicas()).toMatchObject({ replicas: 1 })
  await using next = await started()
  expect(await evaluate(next.instance, 'return 1')).toBe(1)
  expect(replicas()).toMatchObject({ replicas: 0 })
})

test('nothing secret stands in what everybody may read of a pod', async () => {
  const { kubernetes, runtime } = subject
  const release = releaseOf(subject.packageOf('@fixture/evaluator', 'evaluator'), { network: 'internet' })
  const prepared = await runtime.prepare({ ...release.prepare, lockFile: lock }, never)
  const credentials = new Map([['SERVICE_KEY', new Secret('s3cret-value')]])
  const instance = await runtime.start(release.start(prepared.lockFile, { credentials }), never)
  for (const resource of RESOURCES.filter((one) => one !== 'secrets'))
    expect(JSON.stringify(kubernetes.objects(resource))).not.toContain('s3cret-value')
  await instance.stop(500)
  await runtime.purge(release.prepare.deploymentId, never)
})

test('whatever was asked in all of this is what Kubernetes knows and the Role grants, and nothing is left', async () => {
  await isEmpty()
  expect(subject.kubernetes.violations).toEqual([])
})
