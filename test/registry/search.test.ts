import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, type World } from '../reconciler/world.ts'
import { listRegistryServers } from '../../src/services/index.ts'
import { schemas } from '../../src/contract/index.ts'
import { glamaServer, startGlama, startMcpRegistry } from '../fakes/mcp-registry.ts'
import { aServer, startNode, stateWhen } from './support.ts'

const owned = new AsyncDisposableStack()
let world: World

beforeAll(async () => {
  world = owned.use(await createWorld())
  const github = 'https://github.com/acme/'
  const registry = owned.use(
    await startMcpRegistry([
      aServer('issues', {
        server: {
          title: 'GitHub Issues',
          description: 'Read and write issues.',
          repository: { url: `${github}issues`, source: 'github' },
          packages: [{ registryType: 'npm', identifier: '@acme/issue-tracker-mcp', version: '1.0.0' }],
        },
        updatedAt: '2026-03-01T00:00:00Z',
      }),
      aServer('notes', {
        server: { description: 'Keeps notes, also about GitHub.' },
        updatedAt: '2026-05-01T00:00:00Z',
      }),
      aServer('github-old', {
        server: { title: 'GitHub (old)' },
        status: 'deprecated',
        statusMessage: 'Use issues.',
      }),
      aServer('weather-api', { server: { description: 'Forecasts for "every" town.' } }),
      aServer('weather', { server: { description: 'Weather maps & radar.' } }),
      aServer('remote-only', {
        server: { remotes: [{ type: 'streamable-http', url: 'https://remote.example/mcp' }] },
      }),
    ]),
  )
  const glama = owned.use(
    await startGlama([
      glamaServer('acme', 'issues', {
        repository: { url: `${github}Issues.git` },
        url: 'https://glama.ai/x',
      }),
      glamaServer('acme', 'mono-a', { repository: { url: `${github}mono/tree/main/servers/a` } }),
      glamaServer('acme', 'github-clone', { description: 'GitHub and more.' }),
      glamaServer('acme', 'homeless', { repository: null }),
    ]),
  )
  owned.use(await startNode(world.database, { registry: registry.url, glama: glama.url }))
  for (const name of ['official', 'glama']) {
    await stateWhen(world.database, ({ synced_at: at }) => at !== null, name)
  }
})
afterAll(() => owned.disposeAsync())

const search = async (q: string, more: { cursor?: string; limit?: number } = {}) =>
  listRegistryServers(world.ctx, { query: { q, limit: 20, ...more } })
const namesOf = async (q: string) =>
  (await search(q)).items.map(({ name }) => name.replace('io.github.acme/', ''))

test('a word in the name comes before one in the description, the official before others, deprecated last', async () => {
  expect(await namesOf('github')).toEqual(['issues', 'acme/github-clone', 'notes', 'github-old'])
})

test.each([
  ['the name itself first', 'weather', ['weather', 'weather-api']],
  ['the beginning of a word', 'weath', ['weather', 'weather-api']],
  ['another form of a word', 'forecasting', ['weather-api']],
  ['all words', 'github note', ['notes']],
  ['words that say little besides one that tells', 'weather mcp server', ['weather', 'weather-api']],
  ['without a word', 'weather -radar', ['weather-api']],
  ['a phrase', '"weather maps"', ['weather']],
  ['either word', 'radar or town', ['weather', 'weather-api']],
  ['a full name', 'io.github.acme/weather', ['weather', 'weather-api']],
  ['the name of a package', '@acme/issue-tracker-mcp', ['issues']],
  ['a part of the name of a package', 'tracker', ['issues']],
  ['nothing that fits', 'xylophone', []],
])('%s: %s', async (_what, q, names) => {
  expect((await namesOf(q)).toSorted()).toEqual(names.toSorted())
  expect((await namesOf(q))[0]).toBe(names[0])
})

test.each([
  "'",
  '"',
  '\\',
  '& | ! ( ) :*',
  '<->',
  "x' or 1=1 --",
  '%',
  '\u0000',
  '-',
  '"-"',
  'a:*b',
  '💡',
  '<b>x</b>',
])('signs of the search language are only text: %j', async (q) =>
  expect((await search(q)).items).toBeInstanceOf(Array),
)

test('a server of two registries appears once, as the official one, and says that the other lists it', async () => {
  const { items } = await search('issues')
  expect(items.filter(({ repository }) => repository?.toLowerCase().includes('acme/issues'))).toHaveLength(1)
  expect(items[0]).toMatchObject({
    name: 'io.github.acme/issues',
    source: 'registry:io.github.acme/issues',
    runsFrom: 'package',
    namespace: 'github',
    license: 'MIT License',
    listedBy: [
      { registry: 'official', url: null },
      { registry: 'glama', url: 'https://glama.ai/x' },
    ],
  })
})

const firstOf = async (q: string) => (await search(q)).items[0]

test('each says what it is deployed from', async () => {
  expect(await firstOf('remote-only')).toMatchObject({
    runsFrom: 'remote',
    source: 'registry:io.github.acme/remote-only',
  })
  expect(await firstOf('mono-a')).toMatchObject({
    runsFrom: 'repository',
    source: 'https://github.com/acme/mono/tree/HEAD/servers/a',
    namespace: null,
  })
  expect(await firstOf('homeless')).toMatchObject({ runsFrom: 'nothing', source: null })
  expect(await firstOf('github-old')).toMatchObject({ status: 'deprecated', statusMessage: 'Use issues.' })
})

test('pages follow one another without a gap, with words and without', async () => {
  for (const q of ['', 'github', 'acme']) {
    const all = (await search(q)).items.map(({ name }) => name)
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const page = await search(q, { limit: 1, ...(cursor === '' ? {} : { cursor }) })
      seen.push(...page.items.map(({ name }) => name))
      ;({ cursor } = page)
    }
    expect(seen).toEqual(all)
    expect(all.length).toBeGreaterThan(2)
  }
})

test('without words the newest comes first and deprecated ones after all that have a date', async () => {
  const names = await namesOf('')
  expect(names.slice(0, 2)).toEqual(['notes', 'issues'])
  expect(names).toHaveLength(9)
})

test('a cursor that is not ours is refused', async () => {
  for (const cursor of [
    'x',
    Buffer.from('["1; drop","a","b"]').toString('base64url'),
    Buffer.from('{}').toString('base64url'),
  ]) {
    await expect(search('github', { cursor })).rejects.toMatchObject({ code: 'invalid_request' })
  }
})

test('the answer says how fresh it is', async () => {
  const { registries } = await search('github')
  expect(registries.map(({ name }) => name)).toEqual(['official', 'glama'])
  for (const registry of registries) {
    expect(schemas.RegistryState.parse(registry)).toMatchObject({
      syncedAt: expect.any(String),
      failure: null,
    })
  }
})
