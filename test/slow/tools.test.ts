import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ApiClient } from '../../src/contract/index.ts'
import { toolsContract } from '../contract/tools.ts'
import { FAKE_FLY_APP, startFakeFly, type FakeFly } from '../fakes/fly.ts'
import { startFakeKubernetes, type FakeKubernetes } from '../fakes/kubernetes/kubernetes.ts'
import { startNpmRegistry, type NpmRegistry } from '../fakes/npm-registry.ts'
import { startShiftyRemote, type RemoteServer } from '../runtimes/remote-servers.ts'
import { compileImageProgram } from '../support/image-program.ts'
import { connectWhenOpen } from '../support/mcp-client.ts'
import { apiOf, startProgram, type Program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { FAILS_PROBE, shifty } from './shifty-package.ts'

const stack = new AsyncDisposableStack()
let registry: NpmRegistry
let program: Program
let api: ApiClient
let remote: RemoteServer
let fly: FakeFly
let kubernetes: FakeKubernetes

beforeAll(async () => {
  registry = stack.use(
    await startNpmRegistry([
      shifty('1.0.0', { description: 'Reads.' }),
      shifty('1.0.1', { description: 'Reads it well.' }),
      shifty('1.1.0', { description: 'Reads it well.', more: ['extra'] }),
      shifty('2.0.0', { description: 'Reads.', sampling: ['ask_model'] }),
      shifty('1.2.0', { description: 'Reads it well.', begin: FAILS_PROBE }),
    ]),
  )
  remote = stack.use(await startShiftyRemote())
  const image = stack.use(await compileImageProgram())
  fly = stack.use(await startFakeFly(image.path))
  kubernetes = stack.use(await startFakeKubernetes(image.path))
  program = stack.use(
    await startProgram({
      env: {
        npm_config_registry: registry.url,
        npm_config_userconfig: '/nonexistent',
        CATWALK_REMOTE_ORIGINS: new URL(remote.url).origin,
        CATWALK_FLY_RUNTIME: 'true',
        CATWALK_FLY_IMAGE: 'registry.example/catwalk/instance:1',
        CATWALK_FLY_REACH: 'private',
        CATWALK_FLY_API_URL: fly.apiUrl,
        CATWALK_KUBERNETES_RUNTIME: 'true',
        CATWALK_KUBERNETES_IMAGE: 'registry.example/catwalk/instance:1',
        CATWALK_KUBERNETES_KUBECONFIG: kubernetes.kubeconfig,
        // They ask again and again until something is so.
        CATWALK_TOKEN_REQUESTS_PER_MINUTE: '0',
        CATWALK_ADDRESS_REQUESTS_PER_MINUTE: '0',
      },
    }),
  )
  api = await apiOf(program)
  const values = { FLY_API_TOKEN: fly.token, FLY_APP: FAKE_FLY_APP }
  await api.call('changeWorkspaceSettings', { body: { values } })
})
afterAll(() => stack.disposeAsync())

const PACKAGE = 'npm:shifty-mcp@1.0.0'

async function deploy(name: string, body: { source: string; runtime?: 'fly' | 'kubernetes' }) {
  const { deployment, token } = await api.call('createDeployment', {
    body: { ...body, name, slug: name, confirmWarnings: true },
  })
  return {
    id: deployment.id,
    endpoint: `${program.origin}/mcp/${deployment.slug}`,
    token: token.secret,
  }
}

toolsContract('local', () => ({ api, deploy: (name) => deploy(name, { source: PACKAGE }) }))
toolsContract('remote', () => ({ api, deploy: (name) => deploy(name, { source: remote.url }) }))
for (const runtime of ['fly', 'kubernetes'] as const)
  toolsContract(runtime, () => ({ api, deploy: (name) => deploy(name, { source: PACKAGE, runtime }) }))

test('what a server in a machine lists only to clients with sampling is recorded, and no change until it changes', async () => {
  const { id, endpoint, token } = await deploy('capable', { source: 'npm:shifty-mcp@2.0.0', runtime: 'fly' })
  const params = { id }
  const items = async () =>
    (await api.call('listTools', { params })).items.map(
      ({ name, change }) => [name, change?.kind ?? null] as const,
    )
  await until(
    'it runs',
    async () => ((await api.call('getDeployment', { params })).state === 'running' ? true : null),
    60_000,
  )
  await using client = await connectWhenOpen(endpoint, token, { sampling: {} })
  const names = async () => (await client.listTools()).tools.map(({ name }) => name)
  expect(await names()).toEqual(['read', 'turn', 'ask_model'])
  await until('it is recorded', async () => ((await items()).length === 3 ? true : null))
  expect(Object.fromEntries(await items())).toEqual({ ask_model: null, read: null, turn: null })
  await client.callTool({ name: 'turn', arguments: {} })
  expect(await names()).toEqual(['turn', 'ask_model'])
  await until('it is told', async () =>
    (await items()).some(([name, kind]) => name === 'read' && kind === 'changed') ? true : null,
  )
})

test('another description and another tool in a new version are differences of releases, approved with them; one that fails its probe changes nothing', async () => {
  const { id } = await deploy('updating', { source: PACKAGE })
  const params = { id }
  const item = async (tool: string) =>
    (await api.call('listTools', { params })).items.find((candidate) => candidate.name === tool)
  await until(
    'it runs',
    async () => ((await api.call('getDeployment', { params })).state === 'running' ? true : null),
    60_000,
  )
  const update = async (version: string, state: string) => {
    await api.call('createRelease', { params, body: { version } })
    await until(
      `${version} is ${state}`,
      async () => ((await api.call('getDeployment', { params })).release.state === state ? true : null),
      60_000,
    )
  }
  const changes = async (number: string) =>
    (await api.call('compareReleases', { params: { ...params, number }, query: {} })).tools
  await update('1.0.1', 'live')
  expect(await changes('2')).toEqual({
    added: [],
    removed: [],
    changed: [{ name: 'read', members: ['description'] }],
  })
  expect(await item('read')).toMatchObject({ change: null, description: 'Reads it well.' })
  await update('1.1.0', 'live')
  expect(await changes('3')).toEqual({ added: ['extra'], removed: [], changed: [] })
  expect(await item('extra')).toMatchObject({ change: null, shownAs: 'extra' })
  await update('1.2.0', 'failed')
  const after = await api.call('getDeployment', { params })
  expect([after.state, after.liveRelease]).toEqual(['running', 3])
  expect(await item('extra')).toMatchObject({ change: null })
})
