import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { ApiClient } from '../../src/contract/index.ts'
import { startFakeKubernetes, type FakeKubernetes } from '../fakes/kubernetes/kubernetes.ts'
import { fieldsOf } from '../fakes/kubernetes/validate.ts'
import { startOciRegistry, type OciRegistry } from '../fakes/oci-registry.ts'
import { compileImageProgram } from '../support/image-program.ts'
import { apiOf, startProgram, type Program } from '../support/program.ts'
import { serverProgram, toolsNamed } from '../support/server-package.ts'
import { until } from '../support/until.ts'
import { runCatwalk } from './run-catwalk.ts'

// A published server from the registry that this host's npm is configured for.

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

const AWAY_MS = 60_000
const stack = new AsyncDisposableStack()
let kubernetes: FakeKubernetes
let registry: OciRegistry
let program: Program
let api: ApiClient
beforeAll(async () => {
  const image = stack.use(await compileImageProgram())
  kubernetes = stack.use(await startFakeKubernetes(image.path))
  registry = stack.use(await startOciRegistry())
  program = stack.use(
    await startProgram({
      env: {
        CATWALK_IMAGE_REGISTRIES: registry.host,
        CATWALK_KUBERNETES_RUNTIME: 'true',
        CATWALK_KUBERNETES_IMAGE: 'registry.example/catwalk/instance:1',
        CATWALK_KUBERNETES_KUBECONFIG: kubernetes.kubeconfig,
        // They call for a minute without a pause.
        CATWALK_TOKEN_REQUESTS_PER_MINUTE: '0',
        CATWALK_ADDRESS_REQUESTS_PER_MINUTE: '0',
      },
    }),
  )
  api = await apiOf(program)
})
afterAll(async () => {
  await stack.disposeAsync()
})

async function catwalk(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runCatwalk(program, args)
  if (exitCode !== 0) throw new Error(`${args.join(' ')}: ${stdout}${stderr}`)
  return stdout
}

const running = (): number => kubernetes.objects('pods').length
const RESOURCES = ['deployments', 'pods', 'services', 'secrets', 'networkpolicies', 'persistentvolumeclaims']

/** Until there are so many pods: what is replaced or sleeps ends after the answer. */
async function pods(count: number): Promise<void> {
  await until(`${count} pods`, () => (running() === count ? true : null), 60_000)
}

interface Deployed {
  readonly endpoint: string
  readonly token: string
}

async function deployEverything(): Promise<Deployed> {
  const out = await catwalk(
    'deploy',
    'npm:@modelcontextprotocol/server-everything',
    '--slug',
    'everything',
    '--runtime',
    'kubernetes',
    '--network',
    'internet',
    '--json',
  )
  return JSON.parse(out) as Deployed
}

async function echo({ endpoint, token }: Deployed, message: string): Promise<string> {
  const client = new Client({ name: 'test', version: '1' })
  const headers = { authorization: `Bearer ${token}` }
  await client.connect(new StreamableHTTPClientTransport(new URL(endpoint), { requestInit: { headers } }))
  try {
    const result = await client.callTool({ name: 'echo', arguments: { message } })
    return JSON.stringify(result.content)
  } finally {
    await client.close()
  }
}

test('a published server runs in pods: deployed, called, asleep, awake, changed, rolled back, moved away and back, deleted', async () => {
  const deployed = await deployEverything()
  expect(await echo(deployed, 'grüezi')).toContain('grüezi')
  await pods(1)

  await catwalk('settings', 'everything', '--idle-timeout', '1')
  await until(
    'it sleeps',
    () => fieldsOf(kubernetes.objects('deployments')[0]?.['spec'])['replicas'] === 0 || null,
    60_000,
  )
  await pods(0)
  await catwalk('settings', 'everything', '--idle-timeout', '600')
  expect(await echo(deployed, 'awake')).toContain('awake')
  await pods(1)

  await catwalk('release', 'everything', '--memory', '300')
  expect(await echo(deployed, 'changed')).toContain('changed')
  await pods(1)
  const memory = (): string =>
    /"requests":\{[^}]*"memory":"(\d+)Mi"/.exec(JSON.stringify(kubernetes.objects('pods')[0]))?.[1] ?? ''
  expect(memory()).toBe('428')
  await catwalk('rollback', 'everything')
  expect(await echo(deployed, 'as before')).toContain('as before')
  await pods(1)
  expect(memory()).not.toBe('428')

  await catwalk('release', 'everything', '--runtime', 'local')
  expect(await echo(deployed, 'here')).toContain('here')
  await pods(0)
  await catwalk('release', 'everything', '--runtime', 'kubernetes')
  expect(await echo(deployed, 'there')).toContain('there')
  await pods(1)

  await catwalk('rm', 'everything', '--yes')
  await until(
    'nothing is left',
    () => (RESOURCES.every((resource) => kubernetes.objects(resource).length === 0) ? true : null),
    60_000,
  )
  expect(kubernetes.violations).toEqual([])
})

test('an image of somebody else runs in a pod: deployed by its tag, called, asleep, awake, deleted', async () => {
  kubernetes.nodes.images.set(`${registry.host}/team/server@${registry.digest}`, {
    files: {
      'server.cjs': serverProgram('image', {
        answers: `
  'tools/list': ${toolsNamed('echo')},
  'tools/call': ({ arguments: { message } }) => ({ content: [{ type: 'text', text: message + ' ' + process.argv[2] }] }),
`,
      }).replace('/usr/bin/env node', '/opt/node'),
    },
    links: { '/server': '/app/server.cjs' },
    entrypoint: ['/server'],
    command: ['stdio'],
  })
  const image = `oci:${registry.host}/team/server:v1`
  const where = ['--runtime', 'kubernetes', '--network', 'internet']
  const deployed = JSON.parse(
    await catwalk('deploy', image, '--slug', 'image', ...where, '--yes', '--json', '--wait'),
  ) as Deployed
  expect(await echo(deployed, 'grüezi')).toContain('grüezi stdio')
  await pods(1)
  await catwalk('settings', 'image', '--idle-timeout', '1')
  await pods(0)
  await catwalk('settings', 'image', '--idle-timeout', '600')
  expect(await echo(deployed, 'awake')).toContain('awake stdio')
  await pods(1)
  await catwalk('rm', 'image', '--yes')
  await until('nothing is left', () =>
    RESOURCES.every((resource) => kubernetes.objects(resource).length === 0) ? true : null,
  )
  expect(kubernetes.violations).toEqual([])
})

test('while the API server is away for a minute calls go on, and a release that was asked for comes about after', async () => {
  const deployed = await deployEverything()
  expect(await echo(deployed, 'before')).toContain('before')
  const { items: all } = await api.call('listDeployments', {})
  const id = all[0]?.id ?? ''
  {
    using away = new DisposableStack()
    away.defer(() => kubernetes.setAway(false))
    kubernetes.setAway(true)
    const backAt = performance.now() + AWAY_MS
    await api.call('createRelease', { params: { id }, body: { memoryMiB: 320 } })
    let calls = 0
    while (performance.now() < backAt) {
      expect(await echo(deployed, `away ${calls}`)).toContain(`away ${calls}`)
      calls++
    }
    expect(calls).toBeGreaterThan(5)
  }
  await until(
    'the release is live',
    async () => {
      const { items } = await api.call('listReleases', { params: { id } })
      return items.some(({ number, state }) => number === 2 && state === 'live') ? true : null
    },
    120_000,
  )
  expect(await echo(deployed, 'after')).toContain('after')
  await pods(1)
  await catwalk('rm', 'everything', '--yes')
  await pods(0)
})

test('what Kubernetes cannot do is said before anything is made', async () => {
  const { exitCode, stdout } = await runCatwalk(program, [
    'deploy',
    'npm:@modelcontextprotocol/server-everything',
    '--slug',
    'listed',
    '--runtime',
    'kubernetes',
    '--network',
    'api.example.com',
    '--json',
  ])
  expect(exitCode).not.toBe(0)
  expect(stdout).toContain('network')
  expect(kubernetes.objects('deployments')).toEqual([])
})

test('the doctor says where pods are made', async () => {
  const { stdout } = await runCatwalk(program, ['doctor', '--json'])
  expect(stdout).toContain(`pods in the namespace ${kubernetes.namespace} at ${kubernetes.server}`)
})
