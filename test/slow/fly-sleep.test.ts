import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ApiClient } from '../../src/contract/index.ts'
import { FAKE_FLY_APP, startFakeFly, type FakeFly } from '../fakes/fly.ts'
import { startNpmRegistry, type NpmRegistry } from '../fakes/npm-registry.ts'
import { connectWhenOpen } from '../support/mcp-client.ts'
import { compileImageProgram } from '../support/image-program.ts'
import { apiOf, startProgram, type Program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { serverPackage, toolsNamed } from '../support/server-package.ts'

const LONG_MS = 60_000
/** Counts its calls for as long as it lives. */
const COUNTER = serverPackage('counter-mcp', {
  begin: 'let calls = 0',
  answers: `
  'tools/list': ${toolsNamed('count')},
  'tools/call': () => ({ content: [{ type: 'text', text: String(++calls) }] }),
`,
})

const stack = new AsyncDisposableStack()
let registry: NpmRegistry
let fly: FakeFly
let program: Program
let api: ApiClient

beforeAll(async () => {
  registry = stack.use(await startNpmRegistry([COUNTER]))
  const image = stack.use(await compileImageProgram())
  fly = stack.use(await startFakeFly(image.path))
  program = stack.use(
    await startProgram({
      env: {
        npm_config_registry: registry.url,
        npm_config_userconfig: '/nonexistent',
        CATWALK_FLY_RUNTIME: 'true',
        CATWALK_FLY_IMAGE: 'registry.example/catwalk/instance:1',
        CATWALK_FLY_REACH: 'private',
        CATWALK_FLY_API_URL: fly.apiUrl,
        CATWALK_IDLE_TIMEOUT_S: '1',
      },
    }),
  )
  api = await apiOf(program)
  const values = { FLY_API_TOKEN: fly.token, FLY_APP: FAKE_FLY_APP }
  await api.call('changeWorkspaceSettings', { body: { values } })
})
afterAll(() => stack.disposeAsync())

async function deploy(slug: string) {
  const { deployment, token } = await api.call('createDeployment', {
    body: { source: 'npm:counter-mcp@1.0.0', slug, runtime: 'fly', confirmWarnings: true },
  })
  const params = { id: deployment.id }
  const reaches = async (wanted: string): Promise<unknown> =>
    until(
      `it is ${wanted}`,
      async () => {
        const { state } = await api.call('getDeployment', { params })
        if (state === 'failed') throw new Error('the deployment failed')
        return state === wanted ? true : null
      },
      LONG_MS,
    )
  const machine = () => {
    const all = fly.machines().filter(({ config }) => config.metadata?.['catwalk_deployment'] === params.id)
    expect(all.length).toBeLessThan(2)
    return all[0]
  }
  const sleeps = async (): Promise<void> => {
    await reaches('sleeping')
    await until('its machine is suspended', () => (machine()?.state === 'suspended' ? true : null), LONG_MS)
  }
  await reaches('running')
  const endpoint = `${program.origin}/mcp/${slug}`
  // Its gateway knows it, too.
  await (await connectWhenOpen(endpoint, token.secret)).close()
  return {
    params,
    endpoint,
    token: token.secret,
    machine,
    sleeps,
    connect: async () => connectWhenOpen(endpoint, token.secret),
  }
}

test('what sleeps at Fly is suspended, and one call wakes it where it was, with its session', async () => {
  const { machine, connect, sleeps } = await deploy('dozing')
  await using client = await connect()
  const count = async () => (await client.callTool({ name: 'count' })).content
  expect(await count()).toEqual([{ type: 'text', text: '1' }])
  for (const next of ['2', '3']) {
    const before = machine()?.id
    await sleeps()
    expect(await count()).toEqual([{ type: 'text', text: next }])
    expect(machine()?.id).toBe(before)
  }
  expect(fly.violations).toEqual([])
})

test('a session that its client ends while the machine is suspended stays ended when it goes on', async () => {
  const { endpoint, token, sleeps } = await deploy('ending')
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  }
  const ask = async (method: string, session: string | null, body: object | null) =>
    fetch(endpoint, {
      method,
      headers: { ...headers, ...(session === null ? {} : { 'mcp-session-id': session }) },
      ...(body === null ? {} : { body: JSON.stringify({ jsonrpc: '2.0', ...body }) }),
    })
  const call = { id: 2, method: 'tools/call', params: { name: 'count', arguments: {} } }
  const open = async (): Promise<string> => {
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
    }
    const answer = await ask('POST', null, { id: 1, method: 'initialize', params })
    expect(answer.status).toBe(200)
    const session = answer.headers.get('mcp-session-id') ?? ''
    await ask('POST', session, { method: 'notifications/initialized' })
    expect((await ask('POST', session, call)).status).toBe(200)
    return session
  }
  const [ended, other] = [await open(), await open()]
  await sleeps()
  expect((await ask('DELETE', ended, null)).status).toBe(200)
  expect(await (await ask('POST', other, call)).text()).toContain('"text":"3"')
  // The first request may come before the machine has heard of it, and is told to try again.
  expect([404, 503]).toContain((await ask('POST', ended, call)).status)
  expect((await ask('POST', ended, call)).status).toBe(404)
  expect((await ask('POST', other, call)).status).toBe(200)
})

test('a stop, a move to another runtime and new values leave no machine asleep', async () => {
  const { params, machine, sleeps, connect } = await deploy('changing')
  await sleeps()
  const before = machine()?.id
  await api.call('createRelease', { params, body: { args: ['--other'] } })
  await until(
    'its machine is another one',
    () => (machine() !== undefined && machine()?.id !== before ? true : null),
    LONG_MS,
  )
  await sleeps()
  await api.call('stopDeployment', { params })
  await until('it is gone', () => (machine() === undefined ? true : null), LONG_MS)
  await api.call('startDeployment', { params })
  await sleeps()
  await api.call('createRelease', { params, body: { runtime: 'local' } })
  await until('it is gone', () => (machine() === undefined ? true : null), LONG_MS)
  await using client = await connect()
  expect((await client.callTool({ name: 'count' })).content).toEqual([{ type: 'text', text: '1' }])
  expect(fly.violations).toEqual([])
})
