import { afterEach, beforeEach, expect, test } from 'vitest'
import { CatwalkError, type JsonObject, type Manifest } from '../../src/domain/index.ts'
import { startUpdateChecks } from '../../src/reconciler/index.ts'
import {
  checkUpdate,
  createNoticeChannel,
  createRelease,
  getDeployment,
  getUpdate,
  listEvents,
  listNotices,
  listUpdates,
  skipUpdate,
} from '../../src/services/index.ts'
import { MANIFEST } from '../fakes/runtime.ts'
import { silentLogger } from '../support/logger.ts'
import { until } from '../support/until.ts'
import { createWorld, type Node, type World } from './world.ts'

let world: World
let node: Node
let id: string
let params: { id: string }

beforeEach(async () => {
  world = await createWorld()
  node = await world.startNode()
  node.runtime.onProbe = async () => offering(TOOLS)
  world.versions.onTry = async () => ({ manifest: offering(TOOLS), failure: null, requires: [] })
  id = await world.deploy({ API_TOKEN: 'a-secret' })
  params = { id }
  await until('it runs', async () => ((await world.state(id)) === 'running' ? true : null))
})
afterEach(async () => {
  await node[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

const TOOLS: readonly JsonObject[] = [
  { name: 'read', description: 'Reads.' },
  { name: 'write', description: 'Writes.' },
]
const offering = (tools: readonly JsonObject[]): Manifest => ({ ...MANIFEST, tools })

/** As many replicas as a test wants. 0: only what is asked for is looked at. */
const checks = (everyMs = 0) =>
  startUpdateChecks({
    db: world.ctx.db,
    versions: world.versions,
    everyMs,
    lookMs: 10,
    random: () => 0.5,
    logger: silentLogger,
  })

async function checked() {
  await checkUpdate(world.ctx, { params })
  return until('it was looked at', async () => {
    const update = await getUpdate(world.ctx, { params })
    return update.phase === 'idle' ? update : null
  })
}

const found = async () =>
  (await listEvents(world.ctx, { params, query: { limit: 1000 } })).items.filter(
    ({ kind }) => kind === 'update.found',
  )

test('what a newer version would change is known before it is installed: tools that come, go or say something else, and values that it wants', async () => {
  await using _ = checks()
  world.versions.onNewest = async () => '2.0.0'
  world.versions.onTry = async (version) => ({
    manifest: offering(
      version === '1.0.0'
        ? TOOLS
        : [
            { name: 'read', description: 'Reads all.' },
            { name: 'send', description: 'Sends.' },
          ],
    ),
    failure: null,
    requires: [
      { name: 'API_TOKEN', description: null },
      ...(version === '1.0.0' ? [] : [{ name: 'REGION', description: 'Where.' }]),
    ],
  })
  expect(await checked()).toMatchObject({
    current: '1.0.0',
    latest: '2.0.0',
    available: true,
    failure: null,
    trial: {
      works: true,
      tools: {
        added: [{ name: 'send', description: 'Sends.' }],
        removed: ['write'],
        changed: [
          {
            name: 'read',
            members: ['description'],
            from: { name: 'read', description: 'Reads.' },
            to: { name: 'read', description: 'Reads all.' },
          },
        ],
      },
      requires: [{ name: 'REGION', description: 'Where.' }],
    },
  })
  expect((await getDeployment(world.ctx, { params })).update).toBe('2.0.0')
  const { items } = await listUpdates(world.ctx)
  expect(items.map(({ deployment, latest }) => [deployment.id, latest])).toEqual([[id, '2.0.0']])
  expect((await found()).map(({ message }) => message)).toEqual([
    'Version 2.0.0 is available. 1 tool added, 1 tool removed, 1 tool changed, wants REGION.',
  ])
})

test('what a server offers only with its values is no difference of the version: both are tried without them', async () => {
  await using _ = checks()
  world.versions.onNewest = async () => '2.0.0'
  world.versions.onTry = async () => ({
    manifest: offering(TOOLS.slice(0, 1)),
    failure: null,
    requires: [],
  })
  const { trial } = await checked()
  expect(trial).toMatchObject({ works: true, tools: { added: [], removed: [], changed: [] } })
  expect(world.versions.tried).toEqual(['2.0.0', '1.0.0'])
})

test('a version that does not start is said not to, before anybody moves to it', async () => {
  await using _ = checks()
  world.versions.onNewest = async () => '2.0.0'
  world.versions.onTry = async (version) =>
    version === '1.0.0'
      ? { manifest: offering(TOOLS), failure: null, requires: [] }
      : { manifest: null, failure: 'The server ended with code 3.', requires: [] }
  expect((await checked()).trial).toMatchObject({ works: false, message: 'The server ended with code 3.' })
})

test('a version is tried out and told of once, however often it is looked at', async () => {
  await using _ = checks()
  world.versions.onNewest = async () => '2.0.0'
  const body = { kind: 'webhook', address: 'https://hooks.example.com/' } as const
  await createNoticeChannel(world.ctx, { body })
  await checked()
  await checked()
  expect(world.versions.tried).toEqual(['2.0.0'])
  expect(await found()).toHaveLength(1)
  const { items } = await listNotices(world.ctx, { query: { limit: 100 } })
  expect(items.map(({ kind, message }) => [kind, message])).toEqual([
    ['update_available', expect.stringContaining('Version 2.0.0 is available.')],
  ])
})

test('a skipped version is not shown, the next one is, and what was skipped can be had back', async () => {
  await using _ = checks()
  world.versions.onNewest = async () => '2.0.0'
  await checked()
  await expect(skipUpdate(world.ctx, { params, body: { version: '9.9.9' } })).rejects.toMatchObject({
    code: 'version_not_found',
  })
  expect(await skipUpdate(world.ctx, { params, body: { version: '2.0.0' } })).toMatchObject({
    available: true,
    isSkipped: true,
  })
  const shown = async () => (await getDeployment(world.ctx, { params })).update
  expect(await shown()).toBeNull()
  await skipUpdate(world.ctx, { params, body: { version: null } })
  expect(await shown()).toBe('2.0.0')
  await skipUpdate(world.ctx, { params, body: { version: '2.0.0' } })
  world.versions.onNewest = async () => '2.0.1'
  expect(await checked()).toMatchObject({ latest: '2.0.1', isSkipped: false })
  expect(await shown()).toBe('2.0.1')
})

test('what was found for a package is gone with it: after the update nothing is available', async () => {
  await using _ = checks()
  world.versions.onNewest = async () => '2.0.0'
  await checked()
  await createRelease(world.ctx, { params, body: { variables: {}, version: '2.0.0' } })
  await until('v2 serves', async () =>
    (await getDeployment(world.ctx, { params })).liveRelease === 2 ? true : null,
  )
  expect(await getUpdate(world.ctx, { params })).toMatchObject({ current: '2.0.0', available: false })
  expect((await getDeployment(world.ctx, { params })).update).toBeNull()
  expect((await listUpdates(world.ctx)).items).toEqual([])
})

test('several replicas look at a deployment once', async () => {
  await using replicas = new AsyncDisposableStack()
  for (let replica = 0; replica < 3; replica++) replicas.use(checks())
  const waiting = Promise.withResolvers<null>()
  world.versions.onNewest = () => waiting.promise
  await checkUpdate(world.ctx, { params })
  await until('one looks', () => (world.versions.looked() > 0 ? true : null))
  for (let round = 0; round < 3; round++) await checkUpdate(world.ctx, { params })
  expect(world.versions.looked()).toBe(1)
  waiting.resolve(null)
  await until('it is done', async () =>
    (await getUpdate(world.ctx, { params })).phase === 'idle' ? true : null,
  )
  expect(world.versions.looked()).toBe(1)
})

test('without being asked, each deployment is looked at within the interval; switched off, none is', async () => {
  const off = checks(0)
  off.poke()
  await off[Symbol.asyncDispose]()
  expect((await getUpdate(world.ctx, { params })).checkedAt).toBeNull()
  await using _ = checks(50)
  await until('it was looked at by itself', async () =>
    (await getUpdate(world.ctx, { params })).checkedAt === null ? null : true,
  )
  expect(await world.ctx.db.selectFrom('updates').select('deployment_id').execute()).toHaveLength(1)
})

test('what fails is said, tried again later, and leaves what was known', async () => {
  await using _ = checks()
  world.versions.onNewest = async () => '2.0.0'
  await checked()
  world.versions.onNewest = () =>
    Promise.reject(new CatwalkError('package_index_unavailable', 'The index does not answer.'))
  expect(await checked()).toMatchObject({
    failure: 'The index does not answer.',
    available: true,
    latest: '2.0.0',
  })
  const row = await world.ctx.db
    .selectFrom('updates')
    .select(['failures', 'next_at'])
    .executeTakeFirstOrThrow()
  expect(row.failures).toBe(1)
  expect(row.next_at.getTime()).toBeGreaterThan(Date.now() + 60_000)
  world.versions.onNewest = async () => '2.0.0'
  expect(await checked()).toMatchObject({ failure: null, available: true })
})

test('a replica that stops in the middle leaves the check to the others', async () => {
  const first = checks()
  const begun = Promise.withResolvers<void>()
  world.versions.onNewest = async () => '2.0.0'
  world.versions.onTry = (_version, signal) => {
    begun.resolve()
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true })
    })
  }
  await checkUpdate(world.ctx, { params })
  await begun.promise
  await first[Symbol.asyncDispose]()
  world.versions.onTry = async () => ({ manifest: offering(TOOLS), failure: null, requires: [] })
  await using _ = checks()
  const update = await until('another one has done it', async () => {
    const now = await getUpdate(world.ctx, { params })
    return now.phase === 'idle' ? now : null
  })
  expect(update).toMatchObject({ available: true, trial: { works: true } })
})
