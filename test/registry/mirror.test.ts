import { afterEach, beforeEach, expect, test } from 'vitest'
import { queries, type Database } from '../../src/db/index.ts'
import { glamaServer, startGlama, startMcpRegistry, type FakeMcpRegistry } from '../fakes/mcp-registry.ts'
import { openTestDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'
import { aServer, namesIn, startNode, stateWhen, syncAgain } from './support.ts'

let owned: AsyncDisposableStack
let database: Database
let registry: FakeMcpRegistry

beforeEach(async () => {
  owned = new AsyncDisposableStack()
  database = owned.use(await openTestDatabase())
  registry = owned.use(await startMcpRegistry())
})
afterEach(() => owned.disposeAsync())

const numbered = (number: number) => `server-${String(number).padStart(3, '0')}`
const publishMany = (count: number) => {
  for (let number = 0; number < count; number++) registry.publish(aServer(numbered(number)))
}
const wasRead = (state: { synced_at: Date | null }) => state.synced_at !== null

test('a registry is copied whole, page by page, and then asked only for what changed', async () => {
  publishMany(230)
  const node = owned.use(await startNode(database, { registry: registry.url }))
  await stateWhen(database, wasRead)
  expect(registry.requests).toHaveLength(3)
  expect(await namesIn(database)).toHaveLength(230)

  registry.publish(aServer('server-007', { status: 'deleted', updatedAt: new Date().toISOString() }))
  registry.publish(
    aServer('server-008', { server: { description: 'Changed.' }, updatedAt: new Date().toISOString() }),
  )
  await syncAgain(database, node)
  expect(registry.requests).toHaveLength(4)
  expect(registry.requests.at(-1)).toContain('updated_since=')
  expect(await namesIn(database)).toHaveLength(229)
  expect(await namesIn(database)).not.toContain('io.github.acme/server-007')
  const changed = await queries.findRegistryServer(database.kysely, 'io.github.ACME/server-008')
  expect(changed?.description).toBe('Changed.')
})

test('a copy that was interrupted goes on at the page where it stopped', async () => {
  publishMany(230)
  registry.interfere((_req, _res, answer) => {
    // The third page is never answered: what asks for it is ended in between.
    if (registry.requests.length < 3) answer()
  })
  const first = await startNode(database, { registry: registry.url })
  await until('two pages', () => (registry.requests.length === 3 ? true : null))
  await first[Symbol.asyncDispose]()
  expect(await namesIn(database)).toHaveLength(200)

  registry.interfere(null)
  owned.use(await startNode(database, { registry: registry.url }))
  await stateWhen(database, wasRead)
  expect(registry.requests).toHaveLength(4)
  expect(registry.requests[3]).toBe(registry.requests[2])
  expect(await namesIn(database)).toHaveLength(230)
})

test('of several nodes one reads a registry at a time', async () => {
  publishMany(230)
  const nodes = await Promise.all(
    ['node_1', 'node_2', 'node_3'].map((id) => startNode(database, { registry: registry.url }, id)),
  )
  nodes.forEach((node) => owned.use(node))
  nodes.forEach((node) => node.poke())
  await stateWhen(database, wasRead)
  expect(new Set(registry.requests).size).toBe(3)
  expect(registry.requests).toHaveLength(3)
})

test('a node that was away while another took over writes nothing any more', async () => {
  publishMany(3)
  const options = { url: registry.url, tellsChanges: true, fullEverySeconds: 60 }
  await queries.enterRegistrySources(database.kysely, [{ name: 'official', url: registry.url }])
  const slow = await queries.claimCrawl(database.kysely, 'official', { ...options, nodeId: 'slow' })
  expect(await queries.claimCrawl(database.kysely, 'official', { ...options, nodeId: 'quick' })).toBeNull()
  await database.kysely
    .updateTable('registry_sources')
    .set({ lease_until: new Date(0) })
    .execute()
  const quick = await queries.claimCrawl(database.kysely, 'official', { ...options, nodeId: 'quick' })
  if (slow === null || quick === null) throw new Error('Both should have had it.')
  const page = { changes: [], unreadable: 0, nextCursor: 'x' }
  expect(await queries.saveRegistryPage(database.kysely, slow, page)).toBe(false)
  expect(await queries.finishCrawl(database.kysely, slow, 60)).toBe(false)
  expect(await queries.saveRegistryPage(database.kysely, quick, page)).toBe(true)
})

test('while a registry is down what is known stays, and the failure is told until it answers again', async () => {
  publishMany(3)
  const node = owned.use(await startNode(database, { registry: registry.url }))
  await stateWhen(database, wasRead)
  registry.interfere((_req, res) => void res.writeHead(503).end())
  const down = await syncAgain(database, node)
  expect(down).toMatchObject({ servers: 3, failure: expect.stringContaining('503') })
  expect(down.next_at.getTime()).toBeGreaterThan(Date.now())
  // Not asked again before its time.
  const asked = registry.requests.length
  node.poke()
  registry.interfere(null)
  const up = await syncAgain(database, node)
  expect(up).toMatchObject({ servers: 3, failure: null })
  expect(registry.requests.length).toBe(asked + 1)
})

test.each<[string, (url: string) => string | object]>([
  ['no JSON', () => '<html>Sign in</html>'],
  ['no list', () => ({ servers: { a: 1 } })],
  ['nothing at all', () => ''],
  ['the same page for ever', () => ({ servers: [], metadata: { nextCursor: 'x' } })],
])('an answer with %s ends the attempt and removes nothing', async (_what, body) => {
  publishMany(3)
  const node = owned.use(await startNode(database, { registry: registry.url }))
  await stateWhen(database, wasRead)
  registry.interfere((req, res) => {
    const answer = body(req.url ?? '')
    res.writeHead(200, { 'content-type': 'application/json' })
    res.end(typeof answer === 'string' ? answer : JSON.stringify(answer))
  })
  const state = await syncAgain(database, node)
  expect(state.failure).not.toBeNull()
  expect(state.servers).toBe(3)
})

test('a place that the registry does not know any more makes it read from the beginning', async () => {
  publishMany(230)
  registry.interfere((_req, _res, answer) => {
    if (registry.requests.length < 2) answer()
  })
  const first = await startNode(database, { registry: registry.url })
  await until('one page', () => (registry.requests.length === 2 ? true : null))
  await first[Symbol.asyncDispose]()
  registry.interfere(null)
  await database.kysely.updateTable('registry_sources').set({ cursor: 'of-another-time' }).execute()
  const node = owned.use(await startNode(database, { registry: registry.url }))
  await stateWhen(database, ({ failure }) => failure !== null)
  const state = await syncAgain(database, node)
  expect(state).toMatchObject({ servers: 230, failure: null })
})

test('a reading of everything removes what is not listed any more, but an empty list removes nothing', async () => {
  publishMany(3)
  const node = owned.use(await startNode(database, { registry: registry.url }))
  await stateWhen(database, wasRead)
  const weekLater = () =>
    database.kysely.updateTable('registry_sources').set({ full_synced_at: null }).execute()
  registry.forget('io.github.acme/server-001')
  await weekLater()
  expect(await syncAgain(database, node)).toMatchObject({ servers: 2 })
  registry.forget('io.github.acme/server-000')
  registry.forget('io.github.acme/server-002')
  await weekLater()
  expect(await syncAgain(database, node)).toMatchObject({ servers: 2 })
})

test('what cannot be stored or read does not stop the rest', async () => {
  publishMany(2)
  for (const item of [
    null,
    7,
    'x',
    { server: { name: 'no' } },
    { server: { name: 'io.github.acme/\u0000' } },
  ]) {
    registry.publishRaw(item)
  }
  registry.publishRaw({ server: { name: 'io.github.acme/odd', description: 'a\u0000b\ud800', version: {} } })
  registry.publishRaw({ server: { name: 'io.github.acme/odd', description: 'twice' } })
  registry.publishRaw({
    server: { name: 'io.github.acme/long', description: 'x'.repeat(2_000_000), title: 'y'.repeat(100_000) },
  })
  owned.use(await startNode(database, { registry: registry.url }))
  const state = await stateWhen(database, wasRead)
  expect(state).toMatchObject({ servers: 4, failure: null })
})

test('Glama is read whole each time, over its own pages', async () => {
  const glama = owned.use(
    await startGlama(Array.from({ length: 150 }, (_, index) => glamaServer('acme', numbered(index)))),
  )
  const node = owned.use(await startNode(database, { glama: glama.url }))
  await stateWhen(database, wasRead, 'glama')
  expect(glama.requests).toHaveLength(2)
  glama.servers.splice(0, 100, { id: 7 }, { id: 'only-an-id' })
  expect(await syncAgain(database, node, 'glama')).toMatchObject({ servers: 51 })
  expect(await namesIn(database)).toContain('only-an-id')
})

test('a registry that is no longer configured is forgotten, and another address begins anew', async () => {
  publishMany(3)
  const glama = owned.use(await startGlama([glamaServer('acme', 'other')]))
  const both = await startNode(database, { registry: registry.url, glama: glama.url })
  await stateWhen(database, wasRead)
  await stateWhen(database, wasRead, 'glama')
  await both[Symbol.asyncDispose]()

  const other = owned.use(await startMcpRegistry([aServer('elsewhere')]))
  owned.use(await startNode(database, { registry: other.url }))
  await until('the other one', async () => ((await namesIn(database)).length === 1 ? true : null))
  expect(await namesIn(database)).toEqual(['io.github.acme/elsewhere'])
})

test('without any address nothing is asked', async () => {
  owned.use(await startNode(database, {}))
  expect(await queries.listRegistrySources(database.kysely)).toEqual([])
})
