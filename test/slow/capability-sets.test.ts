import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client as FirstClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as FirstTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createApiClient, type ApiClient } from '../../src/contract/index.ts'
import { startNpmRegistry } from '../fakes/npm-registry.ts'
import { bundledPackage } from '../support/bundle.ts'
import { startProgram, type Program } from '../support/program.ts'
import { until } from '../support/until.ts'

const PROGRAM = fileURLToPath(new URL('../fixtures/capable-server.ts', import.meta.url))
const INFO = { name: 'official', version: '1' }
const ABILITIES = [
  {},
  { sampling: {} },
  { elicitation: { form: {} } },
  { sampling: {}, elicitation: { form: {} } },
]

interface Listed {
  readonly name: string
  readonly description?: string | undefined
}
interface OpenClient extends AsyncDisposable {
  tools(): Promise<readonly Listed[]>
  call(name: string, given: Record<string, unknown>): Promise<unknown>
}
type Connect = (url: string, token: string, capabilities: object) => Promise<OpenClient>

const headersOf = (token: string) => ({ requestInit: { headers: { authorization: `Bearer ${token}` } } })

const legacy: Connect = async (url, token, capabilities) => {
  const client = new FirstClient(INFO, { capabilities })
  await client.connect(new FirstTransport(new URL(url), headersOf(token)))
  return {
    tools: async () => (await client.listTools()).tools,
    call: async (name, given) => client.callTool({ name, arguments: given }),
    [Symbol.asyncDispose]: async () => client.close(),
  }
}

const modern: Connect = async (url, token, capabilities) => {
  const client = new Client(INFO, { capabilities, versionNegotiation: { mode: { pin: '2026-07-28' } } })
  await client.connect(new StreamableHTTPClientTransport(new URL(url), headersOf(token)))
  return {
    tools: async () => (await client.listTools()).tools,
    call: async (name, given) => client.callTool({ name, arguments: given }),
    [Symbol.asyncDispose]: async () => client.close(),
  }
}

const CLIENTS = [legacy, modern].flatMap((connect) =>
  ABILITIES.map((capabilities) => ({ connect, capabilities })),
)

/** What the server lists to a client, in short. */
const expected = (capabilities: object, prefix = '') =>
  [
    `${prefix}read: ${'elicitation' in capabilities ? 'Reads, and asks first.' : 'Reads.'}`,
    `${prefix}turn: Turns.`,
    ...('sampling' in capabilities ? [`${prefix}ask_model: Asks the model.`] : []),
  ].toSorted()

const inShort = (tools: readonly Listed[]) =>
  tools.map(({ name, description }) => `${name}: ${description ?? ''}`).toSorted()

const ERAS = ['legacy', 'modern'] as const
const stack = new AsyncDisposableStack()
let program: Program
let api: ApiClient
const made = new Map<string, { readonly id: string; readonly slug: string; readonly token: string }>()

beforeAll(async () => {
  const plain = await bundledPackage('capable-mcp', PROGRAM)
  const code = plain.files?.['server.js'] ?? ''
  const packages = ERAS.map((era) => ({
    ...plain,
    name: `capable-${era}`,
    files: { 'server.js': code.replace('\n', `\nprocess.argv[2] = '${era}'\n`) },
  }))
  const registry = stack.use(await startNpmRegistry(packages))
  const dataDir = await mkdtemp(join(tmpdir(), 'catwalk-capable-'))
  stack.defer(() => rm(dataDir, { recursive: true, force: true }))
  await chmod(dataDir, 0o755)
  const env = { npm_config_registry: registry.url, npm_config_userconfig: '/nonexistent' }
  program = stack.use(await startProgram({ dataDir, env }))
  const apiKey = (await readFile(join(program.dataDir, 'cli.key'), 'utf8')).trim()
  api = createApiClient({ origin: program.origin, apiKey })
  for (const era of ERAS) {
    const body = {
      source: `npm:capable-${era}@1.0.0`,
      network: 'none',
      confirmWarnings: true,
    } as const
    const { deployment, token } = await api.call('createDeployment', { body })
    made.set(era, { id: deployment.id, slug: deployment.slug, token: token.secret })
  }
})
afterAll(() => stack.disposeAsync())

describe.each(ERAS)('a %s server that lists other tools to clients with sampling or elicitation', (era) => {
  let params: { id: string }
  let endpoint: string
  let token: string

  beforeAll(async () => {
    const deployment = made.get(era)
    if (deployment === undefined) throw new Error('it was not deployed')
    params = { id: deployment.id }
    endpoint = `${program.origin}/mcp/${deployment.slug}`
    token = deployment.token
    await state('running')
  })

  const state = (wanted: string) =>
    until(
      `it is ${wanted}`,
      async () => ((await api.call('getDeployment', { params })).state === wanted ? true : null),
      60_000,
    )
  const stateNow = async () => (await api.call('getDeployment', { params })).state
  const kinds = async () =>
    (await api.call('listEvents', { params, query: { limit: 1000 } })).items.map(({ kind }) => kind)
  const itemOf = async (tool: string) =>
    (await api.call('listTools', { params })).items.find(({ name }) => name === tool)

  test('shows each client its own, in turns, and nothing counts as changed', async () => {
    for (const { connect, capabilities } of CLIENTS) {
      await using client = await connect(endpoint, token, capabilities)
      expect(inShort(await client.tools())).toEqual(expected(capabilities))
    }
    await until('it is known to the owner', async () => (await itemOf('ask_model')) ?? null, 30_000)
    expect(await kinds()).not.toContain('tools.sighted')
    const { items } = await api.call('listTools', { params })
    expect(items.map(({ name, change }) => [name, change])).toEqual(
      expect.arrayContaining([
        ['read', null],
        ['turn', null],
        ['ask_model', null],
      ]),
    )
  })

  test('does so while it sleeps, without waking, and again when it is awake', async () => {
    await api.call('changeSettings', { params, body: { idleTimeoutS: 1 } })
    await state('sleeping')
    for (const { connect, capabilities } of CLIENTS) {
      await using client = await connect(endpoint, token, capabilities)
      expect(inShort(await client.tools())).toEqual(expected(capabilities))
    }
    expect(await stateNow()).toBe('sleeping')
    // A set that nobody has recorded yet: the server itself has to say.
    const unknown = { roots: {}, sampling: {} }
    await using client = await modern(endpoint, token, unknown)
    expect(inShort(await client.tools())).toEqual(expected(unknown))
    await state('running')
    const capabilities = { elicitation: { form: {} } }
    await using again = await legacy(endpoint, token, capabilities)
    expect(inShort(await again.tools())).toEqual(expected(capabilities))
    expect(await kinds()).not.toContain('tools.sighted')
  })

  test('is listed in a collection as each client may see it', async () => {
    const { slug } = await api.call('getDeployment', { params })
    const body = { name: `All ${era}`, members: [{ deployment: slug, prefix: 'one' }] }
    const { collection, token: secondToken } = await api.call('createCollection', { body })
    const url = `${program.origin}/mcp/${collection.slug}`
    // A gateway hears a moment after the API that there is one.
    const headers = { authorization: `Bearer ${secondToken.secret}` }
    await until('its endpoint is known', async () =>
      (await fetch(url, { method: 'POST', headers })).status === 401 ? null : true,
    )
    for (const { connect, capabilities } of CLIENTS) {
      await using client = await connect(url, secondToken.secret, capabilities)
      expect(inShort(await client.tools())).toEqual(expected(capabilities, 'one_'))
    }
    await using client = await legacy(url, secondToken.secret, { sampling: {} })
    expect(await client.call('one_ask_model', {})).toMatchObject({ content: [{ text: 'ask_model' }] })
    expect(await kinds()).not.toContain('tools.sighted')
  })

  test('that changes a definition for some clients has that tool stopped, and no other', async () => {
    await api.call('changeSettings', { params, body: { idleTimeoutS: 900 } })
    const capabilities = { sampling: {} }
    await using client = await legacy(endpoint, token, capabilities)
    expect(inShort(await client.tools())).toEqual(expected(capabilities))
    await client.call('turn', { tool: 'ask_model', aloud: true })
    const change = await until('it is told', async () => (await itemOf('ask_model'))?.change ?? null, 30_000)
    expect(change).toMatchObject({ kind: 'changed', isBlocked: true, members: ['description'] })
    expect(inShort(await client.tools())).toEqual(expected({}))
    await expect(client.call('ask_model', {})).rejects.toThrow(/stopped/)
    expect((await itemOf('read'))?.change).toBeNull()
  })
})
