import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadConfig, type Config } from '../../src/config/index.ts'
import { queries } from '../../src/db/index.ts'
import { newId, parseSource, Secret, type ReadableSource } from '../../src/domain/index.ts'
import {
  createNpmIndex,
  createPypiIndex,
  loadNpmConfiguration,
  loadPythonIndex,
} from '../../src/packages/index.ts'
import { createServiceKeys } from '../../src/program/service-keys.ts'
import { createWorkspaceServices, type WorkspaceServices } from '../../src/program/workspace-services.ts'
import {
  changeWorkspaceSettings,
  listWorkspaceSettings,
  openWorkspaceSettings,
  type ServiceContext,
} from '../../src/services/index.ts'
import { startGithub, type FakeGithub } from '../fakes/github.ts'
import { startKeyServices, type KeyServices } from '../fakes/key-services.ts'
import { startFakeModel } from '../fakes/model.ts'
import { startNpmRegistry, type NpmRegistry } from '../fakes/npm-registry.ts'
import { startPythonIndex, type PythonIndex } from '../fakes/python-index.ts'
import { analysisOf, snapshotOf, variable } from '../model/support.ts'
import { createWorld, type World } from '../reconciler/world.ts'
import { openSources } from '../sources/support.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const GOOD = {
  ANTHROPIC_API_KEY: 'sk-ant-good-key-a1b2',
  OPENROUTER_API_KEY: 'sk-or-good-key-c3d4',
  GITHUB_TOKEN: 'github_pat_good_e5f6',
  NPM_TOKEN: 'npm_good_token_g7h8',
  PYPI_TOKEN: 'pypi-good-token-i9j0',
  FLY_API_TOKEN: 'fly-good-token-k1l2',
  FLY_APP: 'our-app',
} as const

const stack = new AsyncDisposableStack()
let world: World
let services: KeyServices
let github: FakeGithub
let registry: NpmRegistry
let python: PythonIndex
let config: Config
let own: WorkspaceServices
/** Two workspaces: the first sets keys, the second never has any. */
let first: ServiceContext
let second: ServiceContext

beforeAll(async () => {
  world = stack.use(await createWorld())
  services = stack.use(
    await startKeyServices({
      anthropicKey: GOOD.ANTHROPIC_API_KEY,
      openRouterKey: GOOD.OPENROUTER_API_KEY,
      flyToken: GOOD.FLY_API_TOKEN,
      flyApp: GOOD.FLY_APP,
    }),
  )
  github = stack.use(
    await startGithub(
      [{ name: 'first/secret', private: true, files: { 'README.md': 'the plans', 'package.json': '{}' } }],
      { tokens: { [GOOD.GITHUB_TOKEN]: ['first/secret'] } },
    ),
  )
  registry = stack.use(
    await startNpmRegistry([{ name: 'private-mcp', version: '1.0.0', manifest: { bin: 'a.js' } }], {
      token: GOOD.NPM_TOKEN,
    }),
  )
  python = stack.use(
    await startPythonIndex([
      { name: 'private-mcp', version: '1.0.0', files: { 'a.py': '' }, scripts: { a: 'a:a' } },
    ]),
  )
  const basic = `Basic ${Buffer.from(`__token__:${GOOD.PYPI_TOKEN}`).toString('base64')}`
  python.interfere((req, res, answer) => {
    if (req.headers.authorization === basic) answer()
    else res.writeHead(401, { 'www-authenticate': 'Basic' }).end()
  })
  config = loadConfig({
    env: {
      CATWALK_ANTHROPIC_BASE_URL: services.anthropicUrl,
      CATWALK_OPENROUTER_BASE_URL: services.openRouterUrl,
      CATWALK_FLY_API_URL: services.flyUrl,
      CATWALK_GITHUB_API_URL: github.url,
      CATWALK_PYPI_INDEX_URL: python.url,
    },
  })
  const environment = { npm_config_registry: registry.url, npm_config_userconfig: '/nonexistent' }
  const { db, vault } = world.ctx
  own = createWorkspaceServices({
    config,
    environment,
    userAgent: 'catwalk-test',
    npm: createNpmIndex({ configuration: () => loadNpmConfiguration(environment) }),
    pypi: createPypiIndex({
      configuration: () => loadPythonIndex(python.url, {}),
      userAgent: 'catwalk-test',
    }),
    valuesOf: (id) => openWorkspaceSettings(db, vault, id),
  })
  first = {
    ...world.ctx,
    serviceKeys: createServiceKeys({ config, userAgent: 'catwalk-test', registries: own }),
  }
  const workspaceId = newId('workspace')
  await db.insertInto('workspaces').values({ id: workspaceId, name: 'Other', personal: false }).execute()
  second = { ...first, actor: { ...first.actor, workspaceId } }
})
afterAll(() => stack.disposeAsync())

const set = (values: Record<string, string | null>, ctx = first) =>
  changeWorkspaceSettings(ctx, { body: { values } })
const clear = () => set(Object.fromEntries(Object.keys(GOOD).map((name) => [name, null])))
const signal = new AbortController().signal

test('each key is checked against its service and saved encrypted; what comes back is its last four letters', async () => {
  const { items } = await set(GOOD)
  expect(items.map(({ name, masked, account }) => [name, masked, account])).toEqual([
    ['ANTHROPIC_API_KEY', '…a1b2', null],
    ['OPENROUTER_API_KEY', '…c3d4', 'sk-or-v1-abc...xyz'],
    ['GITHUB_TOKEN', '…e5f6', 'octocat'],
    ['NPM_TOKEN', '…g7h8', 'npm-person'],
    ['PYPI_TOKEN', '…i9j0', null],
    ['FLY_API_TOKEN', '…k1l2', 'our-app'],
    ['FLY_APP', 'our-app', 'our-app'],
  ])
  expect(await listWorkspaceSettings(first)).toEqual({ items })
  const { rows } = await sql<{ text: string }>`select t::text as text from workspace_settings t
    union all select t::text from audit_entries t`.execute(first.db)
  const kept = rows.map(({ text }) => text).join('\n')
  const { FLY_APP: _, ...secrets } = GOOD
  for (const value of Object.values(secrets)) expect(kept).not.toContain(value)
  expect(kept).toContain('GITHUB_TOKEN')
  expect((await listWorkspaceSettings(second)).items.every(({ masked }) => masked === null)).toBe(true)
})

test.each(Object.keys(GOOD))(
  'a wrong %s is refused by name, and nothing that came with it is saved',
  async (name) => {
    await clear()
    const good = name === 'GITHUB_TOKEN' ? {} : { GITHUB_TOKEN: GOOD.GITHUB_TOKEN }
    const fly = name.startsWith('FLY') ? { FLY_API_TOKEN: GOOD.FLY_API_TOKEN, FLY_APP: GOOD.FLY_APP } : {}
    const error = await catwalkErrorOf(set({ ...good, ...fly, [name]: 'wrong-and-marked' }))
    expect(error).toMatchObject({ code: 'service_key_refused' })
    expect(`${error.message} ${JSON.stringify(error.details)}`).not.toContain('marked')
    expect((await listWorkspaceSettings(first)).items.filter(({ masked }) => masked !== null)).toEqual([])
    const [entry] = await queries.listAudit(first.db, {
      workspaceId: first.actor.workspaceId,
      action: 'workspace.settings',
      limit: 1,
    } as Parameters<typeof queries.listAudit>[1])
    expect(entry).toMatchObject({ outcome: 'failed' })
  },
)

test('while a service does not answer, its key is not saved, and the one before it stays', async () => {
  await clear()
  await set({ ANTHROPIC_API_KEY: GOOD.ANTHROPIC_API_KEY })
  services.interfere((res) => res.destroy())
  expect((await catwalkErrorOf(set({ ANTHROPIC_API_KEY: 'sk-ant-another-z9z9' }))).code).toBe(
    'service_unreachable',
  )
  services.interfere((res) => res.writeHead(529).end())
  expect((await catwalkErrorOf(set({ ANTHROPIC_API_KEY: 'sk-ant-another-z9z9' }))).code).toBe(
    'service_unreachable',
  )
  services.interfere(null)
  expect((await listWorkspaceSettings(first)).items[0]?.masked).toBe('…a1b2')
})

test("a workspace's private repository is read with its token, and neither it nor what was kept of it by another", async () => {
  await clear()
  await set({ GITHUB_TOKEN: GOOD.GITHUB_TOKEN })
  await using directory = await temporaryDirectory()
  using sources = await openSources(directory.path, { githubApiUrl: github.url })
  const source = parseSource(`https://${sources.githubHosts.at(-1)}/first/secret`, {
    githubHosts: sources.githubHosts,
  }) as ReadableSource
  const ours = await own.reading(first.actor.workspaceId, source, signal)
  const pinned = await sources.pin(source, ours)
  await using snapshot = await sources.open(pinned, ours)
  expect(snapshot.text('README.md')).toBe('the plans')

  const theirs = await own.reading(second.actor.workspaceId, source, signal)
  expect(theirs.token).toBeNull()
  expect((await catwalkErrorOf(sources.pin(source, theirs))).code).toBe('source_not_found')
  // Not even with the pin of the other one, which somebody may have seen.
  expect((await catwalkErrorOf(sources.open(pinned, theirs))).code).toBe('source_not_found')
})

test('a token for GitHub goes to no other host', async () => {
  await clear()
  await set({ GITHUB_TOKEN: GOOD.GITHUB_TOKEN })
  const elsewhere = parseSource('https://git.example.com/a/b.git') as ReadableSource
  expect((await own.reading(first.actor.workspaceId, elsewhere, signal)).token).toBeNull()
})

test.each([
  ['npm', 'NPM_TOKEN'],
  ['pypi', 'PYPI_TOKEN'],
] as const)(
  'a private package of %s is found by the workspace with the token, and by no other after it',
  async (kind, name) => {
    await clear()
    await set({ [name]: GOOD[name] })
    const resolve = ({ actor }: ServiceContext) =>
      own[kind](actor.workspaceId).resolve('private-mcp', null, signal)
    expect(await resolve(first)).toMatchObject({ version: '1.0.0' })
    expect((await catwalkErrorOf(resolve(second))).code).toBe('package_index_unavailable')
    expect(await own.hasOwnPackages(first.actor.workspaceId)).toBe(true)
    expect(await own.hasOwnPackages(second.actor.workspaceId)).toBe(false)
    // Taken away, it is gone at once.
    await clear()
    expect((await catwalkErrorOf(resolve(first))).code).toBe('package_index_unavailable')
  },
)

test("analyses of a workspace ask the model with the workspace's own key, and those of others with none", async () => {
  await clear()
  await set({ ANTHROPIC_API_KEY: GOOD.ANTHROPIC_API_KEY })
  await using model = await startFakeModel([{ kind: 'text', text: '{}' }])
  const asking = createWorkspaceServices({
    config: { ...config, anthropicBaseUrl: model.anthropicUrl },
    environment: {},
    userAgent: 'catwalk-test',
    npm: own.npm(''),
    pypi: own.pypi(''),
    valuesOf: (id) => openWorkspaceSettings(first.db, first.vault, id),
  })
  expect(await asking.model(second.actor.workspaceId)).toBeNull()
  const reader = await asking.model(first.actor.workspaceId)
  const evidence = [{ file: 'README.md', line: 1, reader: 'readme-text' }]
  const gap = variable('API_KEY', { confidence: 0.4, evidence })
  const filled = await reader?.fillGaps(
    analysisOf([gap]),
    snapshotOf({ 'README.md': 'Set API_KEY.' }),
    signal,
  )
  expect(filled?.model).toMatchObject({ provider: 'anthropic' })
  expect(model.questions[0]?.headers.authorization).toBe(`Bearer ${GOOD.ANTHROPIC_API_KEY}`)
})

test('a value that was moved to another workspace in the database does not open there', async () => {
  await clear()
  await set({ GITHUB_TOKEN: GOOD.GITHUB_TOKEN })
  const [row] = await queries.listWorkspaceSettings(first.db, first.actor.workspaceId)
  await queries.replaceWorkspaceSettings(second.db, second.actor.workspaceId, [
    {
      id: newId('workspaceSetting'),
      name: 'GITHUB_TOKEN',
      token: row?.token ?? '',
      key_id: row?.key_id ?? '',
      masked: '…',
      account: null,
    },
  ])
  const opening = openWorkspaceSettings(second.db, second.vault, second.actor.workspaceId)
  expect((await catwalkErrorOf(opening)).code).toBe('credential_unreadable')
  await queries.deleteWorkspaceSettings(second.db, second.actor.workspaceId, ['GITHUB_TOKEN'])
})

test('of a short value nothing is shown', async () => {
  const { items } = await changeWorkspaceSettings(
    { ...first, serviceKeys: { check: async () => new Map() } },
    { body: { values: { NPM_TOKEN: 'short' } } },
  )
  expect(items.find(({ name }) => name === 'NPM_TOKEN')?.masked).toBe('…')
  expect(new Secret('short').toString()).not.toContain('short')
})
