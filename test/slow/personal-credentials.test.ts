import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { createApiClient, type ApiClient } from '../../src/contract/index.ts'
import { queries, type Database } from '../../src/db/index.ts'
import { newId } from '../../src/domain/index.ts'
import { send, type RawAnswer } from '../bridge/http-client.ts'
import { startNpmRegistry, type NpmRegistry } from '../fakes/npm-registry.ts'
import { openTestDatabase } from '../support/database.ts'
import { processesMentioning } from '../support/processes.ts'
import { startProgram, type Program } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'
import { serverPackage } from '../support/server-package.ts'
import { createHash, randomBytes } from 'node:crypto'

/** Tells what it was given, what it wrote before, what other processes it sees, and what lies in its home. */
const NOTEBOOK = serverPackage('notebook-mcp', {
  begin: `
const fs = require('node:fs')
const path = require('node:path')
const note = path.join(process.env.HOME, 'note')
const self = String(Math.random())
const everything = (directory) => {
  try {
    return fs.readdirSync(directory, { recursive: true }).map(String).join(' ')
  } catch (error) {
    return error.code
  }
}
const tools = {
  token: () => process.env.API_TOKEN,
  self: () => self,
  write: ({ text }) => (fs.writeFileSync(note, text), 'written'),
  read: () => (fs.existsSync(note) ? fs.readFileSync(note, 'utf8') : 'nothing'),
  spy: () => [
    everything('/home'),
    ...fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).map((pid) => {
      try {
        return fs.readFileSync('/proc/' + pid + '/environ', 'utf8')
      } catch {
        return ''
      }
    }),
  ].join(' '),
  list: ({ directory }) => everything(directory),
}
const offered = Object.keys(tools).map((name) => ({ name, inputSchema: { type: 'object' } }))`,
  capabilities: '{ tools: {}, resources: {} }',
  answers: `
  'tools/list': () => ({ tools: offered }),
  'resources/list': () => ({ resources: [{ uri: 'note://' + process.env.API_TOKEN, name: 'note' }] }),
  'resources/templates/list': () => ({ resourceTemplates: [] }),
  'tools/call': ({ name, arguments: given }) => ({ content: [{ type: 'text', text: String(tools[name](given ?? {})) }] }),
`,
})

interface Member {
  readonly id: string
  readonly name: string
  /** Of the endpoint, made by this member. */
  readonly token: string
  readonly api: ApiClient
}

let registry: NpmRegistry
let database: Database
const stack = new AsyncDisposableStack()
let folders: readonly string[]
let masterKey = ''
let first: Program
let second: Program
let owner: ApiClient
let ana: Member
let ben: Member
let carl: Member
let id = ''

async function startReplica(index: 0 | 1, key: string | null = masterKey): Promise<Program> {
  return startProgram({
    dataDir: folders[index] ?? '',
    env: {
      DATABASE_URL: database.url.reveal(),
      npm_config_registry: registry.url,
      npm_config_userconfig: '/nonexistent',
      CATWALK_TOKEN_REQUESTS_PER_MINUTE: '0',
      CATWALK_ADDRESS_REQUESTS_PER_MINUTE: '0',
      ...(key === null ? {} : { CATWALK_MASTER_KEY: key }),
    },
  })
}

/** Somebody with an account and an API key, as after `catwalk login`. */
async function joinAs(name: string): Promise<Member> {
  const db = database.kysely
  const user = newId('user')
  await db
    .insertInto('users')
    .values({ id: user, name, email: `${name}@example.com` })
    .execute()
  const { workspace_id: workspace } = await db
    .selectFrom('deployments')
    .select('workspace_id')
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  await db.insertInto('members').values({ workspace_id: workspace, user_id: user, role: 'member' }).execute()
  const key = `cwk_${randomBytes(32).toString('base64url')}`
  await db
    .insertInto('api_keys')
    .values({
      id: newId('apiKey'),
      workspace_id: workspace,
      name: `key of ${name}`,
      role: 'member',
      hash: createHash('sha256').update(key).digest(),
      prefix: key.slice(0, 8),
      created_by: user,
    })
    .execute()
  const api = createApiClient({ origin: first.origin, apiKey: key })
  const { secret } = await api.call('createToken', { params: { id }, body: { name, expiresInDays: null } })
  return { id: user, name, token: secret, api }
}

beforeAll(async () => {
  registry = stack.use(await startNpmRegistry([NOTEBOOK]))
  database = stack.use(await openTestDatabase())
  const directories = [stack.use(await temporaryDirectory()), stack.use(await temporaryDirectory())]
  folders = directories.map(({ path }) => path)
  first = await startReplica(0, null)
  masterKey = (await readFile(join(folders[0] ?? '', 'master.key'), 'utf8')).trim()
  owner = createApiClient({
    origin: first.origin,
    apiKey: (await readFile(join(folders[0] ?? '', 'cli.key'), 'utf8')).trim(),
  })
  const created = await owner.call('createDeployment', {
    body: { source: 'npm:notebook-mcp', network: 'none', personal: ['API_TOKEN'] },
  })
  id = created.deployment.id
  await becomes('running')
  second = await startReplica(1)
  ana = await joinAs('ana')
  ben = await joinAs('ben')
  carl = await joinAs('carl')
  await bring(ana, 'value-of-ana')
  await bring(ben, 'value-of-ben')
})
afterAll(async () => {
  for (const program of [first, second]) await program[Symbol.asyncDispose]()
  await stack.disposeAsync()
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

async function becomes(state: string): Promise<void> {
  await until(
    `it is ${state}`,
    async () => ((await owner.call('getDeployment', { params: { id } })).state === state ? true : null),
    60_000,
  )
}

async function bring(member: Member, value: string): Promise<void> {
  await member.api.call('bringOwnCredentials', { params: { id }, body: { values: { API_TOKEN: value } } })
}

interface Session extends AsyncDisposable {
  readonly sessionId: string
  text(tool: string, given?: Record<string, unknown>): Promise<string>
}

async function connect(member: Member, program: Program = first, sessionId?: string): Promise<Session> {
  const client = new Client({ name: 'test', version: '1' })
  const transport = new StreamableHTTPClientTransport(new URL(`${program.origin}/mcp/notebook`), {
    requestInit: { headers: { authorization: `Bearer ${member.token}` } },
    ...(sessionId === undefined ? {} : { sessionId }),
  })
  await client.connect(transport)
  return {
    sessionId: transport.sessionId ?? '',
    async text(tool, given = {}) {
      const { content } = await client.callTool({ name: tool, arguments: given })
      return (content as { text: string }[])[0]?.text ?? ''
    },
    [Symbol.asyncDispose]: () => client.close(),
  }
}

async function post(
  member: Member,
  message: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawAnswer> {
  return send(
    `${first.origin}/mcp/notebook`,
    'POST',
    { authorization: `Bearer ${member.token}`, ...headers },
    JSON.stringify({ jsonrpc: '2.0', ...message }),
  )
}

const initialize = (capabilities: object) => ({
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities, clientInfo: { name: 'test', version: '1' } },
})

const headersOf = ({ sessionId }: Session) => ({
  'mcp-session-id': sessionId,
  'mcp-protocol-version': '2025-11-25',
})

const homes = async (): Promise<readonly string[]> =>
  readdir(join(folders[0] ?? '', 'deployments', id, 'people')).catch(() => [])

test('each member’s calls get to a process with their own value and home', async () => {
  await using ofAna = await connect(ana)
  await using ofBen = await connect(ben)
  expect(await ofAna.text('token')).toBe('value-of-ana')
  expect(await ofBen.text('token')).toBe('value-of-ben')
  await ofAna.text('write', { text: 'diary of ana' })
  await ofBen.text('write', { text: 'diary of ben' })
  expect(await ofAna.text('read')).toBe('diary of ana')
  expect(await ofBen.text('read')).toBe('diary of ben')
})

test('one member’s process sees neither processes, nor values, nor files of another', async () => {
  await using ofAna = await connect(ana)
  await using ofBen = await connect(ben)
  await ofBen.text('write', { text: 'diary of ben' })
  const seen = await ofAna.text('spy')
  expect(seen).toContain('value-of-ana')
  expect(seen).not.toContain('value-of-ben')
  const folder = join(folders[0] ?? '', 'deployments', id, 'people')
  expect(await homes()).toHaveLength(2)
  expect(await ofAna.text('list', { directory: folder })).toMatch(/^E/)
})

test('the session id of one member is worth nothing to another', async () => {
  await using ofAna = await connect(ana)
  const stolen = await post(
    ben,
    { id: 7, method: 'tools/call', params: { name: 'token' } },
    { 'mcp-session-id': ofAna.sessionId, 'mcp-protocol-version': '2025-11-25' },
  )
  expect(stolen.status).toBe(404)
  expect(stolen.text).not.toContain('value-of')
})

test('a caller cannot name themselves somebody else', async () => {
  for (const name of ['catwalk-person', 'catwalk-subject', 'Catwalk-Person']) {
    const opened = await post(ben, initialize({}), { [name]: ana.id })
    const session = String(opened.headers['mcp-session-id'])
    const answer = await post(
      ben,
      { id: 2, method: 'tools/call', params: { name: 'token' } },
      { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25', [name]: ana.id },
    )
    expect(answer.text).toContain('value-of-ben')
    expect(answer.text).not.toContain('value-of-ana')
  }
})

test('the way between replicas is closed to whoever does not have their secret', async () => {
  const answer = await send(
    `${first.origin}/internal/endpoints/${id}/mcp`,
    'POST',
    { authorization: `Bearer ${ben.token}`, 'catwalk-subject': 'x', 'catwalk-person': ana.id },
    JSON.stringify({ jsonrpc: '2.0', ...initialize({}) }),
  )
  expect(answer.status).toBe(404)
})

test('calls with the same request ids at the same time are answered each from its own process', async () => {
  await using ofAna = await connect(ana)
  await using ofBen = await connect(ben)
  const call = { id: 42, method: 'tools/call', params: { name: 'token' } }
  const answers = await Promise.all(
    Array.from({ length: 20 }, async (_, turn) =>
      turn % 2 === 0 ? post(ana, call, headersOf(ofAna)) : post(ben, call, headersOf(ofBen)),
    ),
  )
  for (const [turn, answer] of answers.entries()) {
    expect(answer.text).toContain(turn % 2 === 0 ? 'value-of-ana' : 'value-of-ben')
    expect(answer.text).not.toContain(turn % 2 === 0 ? 'value-of-ben' : 'value-of-ana')
  }
})

test('through another replica a member gets to the same process of their own', async () => {
  await using here = await connect(ana, first)
  await using there = await connect(ana, second)
  await using ofBen = await connect(ben, second)
  expect(await there.text('self')).toBe(await here.text('self'))
  expect(await there.text('token')).toBe('value-of-ana')
  expect(await ofBen.text('token')).toBe('value-of-ben')
  const stolen = await send(
    `${second.origin}/mcp/notebook`,
    'POST',
    {
      authorization: `Bearer ${ben.token}`,
      'mcp-session-id': here.sessionId,
      'mcp-protocol-version': '2025-11-25',
    },
    JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'token' } }),
  )
  expect(stolen.status).toBe(404)
})

test('who has brought nothing can look around, and a call says where to go in the way their client has', async () => {
  const page = `your-credentials?deployment=${id}`
  const call = { id: 2, method: 'tools/call', params: { name: 'token' } }
  const ask = async (capabilities: object): Promise<RawAnswer> => {
    const opened = await post(carl, initialize(capabilities))
    const headers = {
      'mcp-session-id': String(opened.headers['mcp-session-id']),
      'mcp-protocol-version': '2025-11-25',
    }
    const listed = await post(carl, { id: 3, method: 'tools/list', params: {} }, headers)
    expect(listed.text).toContain('spy')
    const resources = await post(carl, { id: 4, method: 'resources/list', params: {} }, headers)
    expect(resources.text).not.toContain('value-of')
    return post(carl, call, headers)
  }
  const [plain] = (await ask({})).messages
  expect(plain?.error).toMatchObject({
    message: expect.stringContaining(page),
    data: { error: 'own_credentials_needed' },
  })
  const [opens] = (await ask({ elicitation: { url: {} } })).messages
  expect(opens?.error).toMatchObject({
    code: -32042,
    data: { elicitations: [{ mode: 'url', url: expect.stringContaining(page) }] },
  })
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': { elicitation: { url: {} } },
  }
  const modern = await post(
    carl,
    { ...call, params: { ...call.params, _meta: meta } },
    { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'token' },
  )
  expect(modern.messages[0]?.result).toMatchObject({
    resultType: 'input_required',
    inputRequests: { r1: { method: 'elicitation/create', params: { mode: 'url' } } },
  })
})

test('a session that was opened before goes on once its member has brought what is needed', async () => {
  const opened = await post(carl, initialize({}))
  const headers = {
    'mcp-session-id': String(opened.headers['mcp-session-id']),
    'mcp-protocol-version': '2025-11-25',
  }
  await bring(carl, 'value-of-carl')
  const answer = await post(carl, { id: 2, method: 'tools/call', params: { name: 'token' } }, headers)
  expect(answer.text).toContain('value-of-carl')
})

test('a token that the program made calls for nobody, and is refused', async () => {
  const { secret } = await owner.call('createToken', {
    params: { id },
    body: { name: 'x', expiresInDays: null },
  })
  // A new token may be on its way to the gateway.
  const answer = await until('the token is known', async () => {
    const answered = await post({ ...ana, token: secret }, initialize({}))
    return answered.status === 401 ? null : answered
  })
  expect(answer.status).toBe(403)
  expect(answer.text).toContain('nobody_behind_call')
})

test('a changed value counts at once, and the others’ processes go on', async () => {
  await using ofBen = await connect(ben)
  const self = await ofBen.text('self')
  await using ofAna = await connect(ana)
  await ofAna.text('token')
  await bring(ana, 'newer-of-ana')
  await until('the new value counts', async () =>
    (await ofAna.text('token').catch(() => '')) === 'newer-of-ana' ? true : null,
  )
  expect(await ofBen.text('self')).toBe(self)
})

test('after sleep everybody wakes their own process, and lists come from what their own has said', async () => {
  await owner.call('changeSettings', { params: { id }, body: { idleTimeoutS: 1 } })
  await using ofAna = await connect(ana)
  await using ofBen = await connect(ben)
  await until(
    'a process has ended',
    async () => {
      const self = await ofAna.text('self')
      await new Promise((resolve) => setTimeout(resolve, 2500))
      return (await ofAna.text('self')) === self ? null : true
    },
    60_000,
  )
  expect(await ofAna.text('token')).toBe('newer-of-ana')
  expect(await ofBen.text('token')).toBe('value-of-ben')
  expect(await ofAna.text('read')).toBe('diary of ana')
  const headers = { 'mcp-session-id': ofBen.sessionId, 'mcp-protocol-version': '2025-11-25' }
  const lists = await post(ben, { id: 5, method: 'resources/list', params: {} }, headers)
  expect(lists.text).toContain('value-of-ben')
  expect(lists.text).not.toContain('of-ana')
  await owner.call('changeSettings', { params: { id }, body: { idleTimeoutS: 600 } })
})

test('kill -9 leaves no process behind, and after a restart everybody gets their own again', async () => {
  await using before = await connect(ana)
  await before.text('token')
  await first.kill9()
  await until(
    'nothing is left',
    async () => ((await processesMentioning('value-of-ben')).length === 0 ? true : null),
    20_000,
  )
  expect(await processesMentioning('newer-of-ana')).toEqual([])
  first = await startReplica(0, null)
  for (const [member, value] of [
    [ben, 'value-of-ben'],
    [ana, 'newer-of-ana'],
  ] as const) {
    const session = await until('it is back', async () => connect(member).catch(() => null), 60_000)
    expect(await session.text('token')).toBe(value)
    await session[Symbol.asyncDispose]()
  }
})

test('whoever leaves loses access, process, values and home; the others keep theirs', async () => {
  await using ofBen = await connect(ben)
  await ofBen.text('token')
  const before = (await homes()).length
  await database.kysely.deleteFrom('members').where('user_id', '=', ben.id).execute()
  await until(
    'the process is gone',
    async () => ((await processesMentioning('value-of-ben')).length === 0 ? true : null),
    20_000,
  )
  await until('the home is gone', async () => ((await homes()).length === before - 1 ? true : null))
  expect(await queries.listPersonalCredentials(database.kysely, id, ben.id)).toEqual([])
  await using ofAna = await connect(ana)
  expect(await ofAna.text('read')).toBe('diary of ana')
})

test('no value is in the logs, the events or any answer of the API', async () => {
  // The program that was started again has another port.
  const key = (await readFile(join(folders[0] ?? '', 'cli.key'), 'utf8')).trim()
  const again = createApiClient({ origin: first.origin, apiKey: key })
  const texts = await Promise.all([
    again.call('listLogs', { params: { id }, query: {} }),
    again.call('listEvents', { params: { id }, query: {} }),
    again.call('getCatalogue', { params: { id } }),
    again.call('listReleases', { params: { id } }),
  ])
  for (const text of texts) expect(JSON.stringify(text)).not.toMatch(/(?:value|newer)-of-/)
})
