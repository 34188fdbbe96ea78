import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { queries } from '../../src/db/index.ts'
import { CatwalkError, type DiskUse, type RuntimeOffer } from '../../src/domain/index.ts'
import { createDoctor } from '../../src/services/index.ts'
import { parseKeyRing } from '../../src/vault/index.ts'
import { createWorld, packages, type World } from '../reconciler/world.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

type Dependencies = Parameters<typeof createDoctor>[0]

const owned = { stack: new AsyncDisposableStack() }
let world: World
let dataDir: string
let publicUrl: URL

beforeEach(async () => {
  owned.stack = new AsyncDisposableStack()
  world = owned.stack.use(await createWorld())
  dataDir = owned.stack.use(await temporaryDirectory()).path
  await writeFile(join(dataDir, 'master.key'), 'x', { mode: 0o600 })
  const server = createServer((_, res) => res.end('{"ok":true}'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  owned.stack.defer(() => void server.close())
  // A server that listens on TCP has such an address.
  publicUrl = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  await world.ctx.db
    .insertInto('users')
    .values({ id: 'user_1', name: 'A', email: 'a@example.com', is_installation_admin: true })
    .execute()
})
afterEach(() => owned.stack.disposeAsync())

const ring = parseKeyRing(Buffer.alloc(32, 7).toString('base64'), 'test')

const local = {
  kind: 'local',
  supports: {
    packages: ['npm', 'pypi', 'git'],
    memoryLimit: true,
    serverLogs: true,
    networkPolicies: ['none'],
    suspend: false,
    survivesRestart: false,
  },
} as const

const withDisk = (use: Partial<DiskUse>): RuntimeOffer => ({
  ...local,
  status: async () => ({ ok: true, detail: 'bubblewrap 0.8' }),
  disk: async () => ({
    storeMiB: 99,
    storeLimitMiB: 100,
    evicted: 0,
    homeLimitMiB: 10,
    homes: new Map([['dep_small', 5]]),
    ...use,
  }),
})

async function findings(changes: Partial<Dependencies> = {}) {
  const { db, vault, clock } = world.ctx
  const doctor = createDoctor({
    db,
    vault,
    packages,
    clock,
    keys: { origin: 'file', ring: () => ring, add: async () => '', retire: async () => {} },
    publicUrl,
    pypi: { resolve: () => Promise.reject(new CatwalkError('package_not_found', 'x')) },
    trustedProxies: [],
    dataDir,
    isEmbedded: true,
    unsandboxed: false,
    listensOn: '127.0.0.1',
    listensOnLoopback: true,
    runtimes: [{ ...local, status: async () => ({ ok: true, detail: 'bubblewrap 0.8' }) }],
    ...changes,
  })
  const { healthy, items } = await doctor.getDoctor({ signal: new AbortController().signal })
  return { healthy, items, of: (name: string) => items.find((item) => item.name === name) }
}

test('an installation on one machine is healthy, and is told that others cannot reach it', async () => {
  const { healthy, items, of } = await findings()
  expect(items.filter(({ level }) => level === 'error')).toEqual([])
  expect(healthy).toBe(true)
  expect(of('public-url')).toMatchObject({ level: 'warning' })
})

test.each<[string, Partial<Dependencies>, string]>([
  [
    'runtimes',
    {
      runtimes: [
        { ...local, status: async () => ({ ok: false, reason: 'No bubblewrap.', fix: 'Install it.' }) },
      ],
    },
    'error',
  ],
  ['disk', { runtimes: [withDisk({ storeMiB: 101 })] }, 'warning'],
  ['disk', { runtimes: [withDisk({ homes: new Map([['dep_full', 9.5]]) })] }, 'warning'],
  ['public-url', { publicUrl: new URL('http://127.0.0.1:1') }, 'error'],
  ['configuration', { unsandboxed: true }, 'warning'],
  ['configuration', { listensOn: '0.0.0.0', listensOnLoopback: false }, 'warning'],
  ['proxies', { trustedProxies: ['loopback', '0.0.0.0/0'] }, 'error'],
  ['proxies', { publicUrl: new URL('https://catwalk.example.com') }, 'warning'],
  [
    'pypi',
    { pypi: { resolve: () => Promise.reject(new CatwalkError('package_index_unavailable', 'x')) } },
    'warning',
  ],
  ['clock', { clock: { now: () => new Date(Date.now() - 60_000) } }, 'warning'],
])('%s: trouble is named with its fix', async (name, changes, level) => {
  const { of } = await findings(changes)
  expect(of(name)).toMatchObject({ level, fix: expect.any(String) })
})

test('a database that was kept when PostgreSQL was upgraded is named, with how to remove it', async () => {
  const kept = join(dataDir, 'database.postgresql-17-20260102T030405Z')
  await mkdir(kept)
  expect((await findings()).of('database')).toMatchObject({
    detail: expect.stringContaining(kept),
    fix: expect.stringContaining(`rm -r '${kept}'`),
  })
  expect((await findings({ isEmbedded: false })).of('database')?.detail).not.toContain(kept)
})

const failing = (code: 'package_index_unavailable' | 'package_not_found') => ({
  packages: { ...packages, resolve: () => Promise.reject(new CatwalkError(code, 'x')) },
})

test('a registry that is away is an error; one that lacks the package is not', async () => {
  expect((await findings(failing('package_index_unavailable'))).of('registry')).toMatchObject({
    level: 'error',
  })
  expect((await findings(failing('package_not_found'))).of('registry')).toMatchObject({ level: 'ok' })
})

test('a key file that others can read, and a credential that was tampered with, are errors', async () => {
  await chmod(join(dataDir, 'master.key'), 0o644)
  await world.deploy({ API_KEY: 'a value that is kept' })
  await world.ctx.db.updateTable('credentials').set({ token: 'gAAAAAB' }).execute()
  const { healthy, of } = await findings()
  expect(of('keys')).toMatchObject({ level: 'error' })
  expect(of('credentials')).toMatchObject({
    level: 'error',
    detail: expect.stringMatching(/the credential 'API_KEY' of '[\w-]+'/),
  })
  expect(healthy).toBe(false)
})

test('every check has its section in the guide', async () => {
  const guide = await readFile(new URL('../../docs/doctor.md', import.meta.url), 'utf8')
  for (const { name, docs } of (await findings()).items) {
    expect(guide).toContain(`\n## ${name}\n`)
    expect(docs).toBe(`/docs/doctor#${name}`)
  }
})

test('of each registry it tells how many servers are known, since when, and why it does not answer', async () => {
  const { db } = world.ctx
  expect((await findings()).of('mcp-registry')).toMatchObject({
    level: 'ok',
    detail: expect.stringContaining('not asked'),
  })
  await queries.enterRegistrySources(db, [{ name: 'official', url: 'http://127.0.0.1:1' }])
  const claimed = await queries.claimCrawl(db, 'official', {
    url: 'http://127.0.0.1:1',
    nodeId: 'node_1',
    tellsChanges: true,
    fullEverySeconds: 60,
  })
  if (claimed === null) throw new Error('It should be due.')
  await queries.failCrawl(db, claimed, '127.0.0.1:1 cannot be reached.', {
    restart: false,
    retryInSeconds: () => 60,
  })
  const { of } = await findings()
  expect(of('mcp-registry')).toMatchObject({
    level: 'warning',
    detail: '127.0.0.1:1 cannot be reached. 0 servers are known so far.',
    fix: expect.stringContaining('CATWALK_REGISTRY_URL'),
  })
  expect(of('glama')).toMatchObject({ level: 'ok' })
})
