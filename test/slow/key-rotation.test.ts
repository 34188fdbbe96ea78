import { randomUUID } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { createApiClient } from '../../src/contract/index.ts'
import { openDatabase } from '../../src/db/index.ts'
import { newId, Secret } from '../../src/domain/index.ts'
import { createSealer, parseKeyRing } from '../../src/vault/index.ts'
import { PACKAGES } from '../cli/packages.ts'
import { startNpmRegistry } from '../fakes/npm-registry.ts'
import { testServerUrl } from '../support/database.ts'
import { TEMPLATE, urlOfDatabase } from '../support/database-server.ts'
import { silentLogger } from '../support/logger.ts'
import { connectClient } from '../support/mcp-client.ts'
import { startProgram, type Program } from '../support/program.ts'
import { until } from '../support/until.ts'

const COUNT = 10_000

const open = (url: Secret) =>
  openDatabase(
    { url, dataDir: null, logger: silentLogger, poolSize: 3, migrate: false },
    new AbortController().signal,
  )

test('10,000 credentials come under a new key while calls and deployments go on, kill -9 in the middle included', async () => {
  await using cleanup = new AsyncDisposableStack()
  const dataDir = await mkdtemp(join(tmpdir(), 'catwalk-keys-'))
  await chmod(dataDir, 0o755)
  cleanup.defer(() => rm(dataDir, { recursive: true, force: true }))
  const registry = cleanup.use(await startNpmRegistry(PACKAGES))

  const server = await testServerUrl()
  const name = `slow_${randomUUID().replaceAll('-', '')}`
  const admin = cleanup.use(await open(server))
  await sql`create database ${sql.id(name)} template ${sql.id(TEMPLATE)}`.execute(admin.kysely)
  cleanup.defer(async () => {
    await sql`drop database if exists ${sql.id(name)} with (force)`.execute(admin.kysely)
  })
  const url = urlOfDatabase(server, name)
  const database = cleanup.use(await open(url))

  const start = (env: Record<string, string> = {}) =>
    startProgram({
      dataDir,
      env: {
        DATABASE_URL: url.reveal(),
        npm_config_registry: registry.url,
        npm_config_userconfig: '/nonexistent',
        ...env,
      },
    })
  const apiOf = async (program: Program) =>
    createApiClient({
      origin: program.origin,
      apiKey: (await readFile(join(dataDir, 'cli.key'), 'utf8')).trim(),
    })
  const keysOf = async (program: Program) => (await apiOf(program)).call('getKeys', {})

  // The rotation stops after its first batch, where it is killed.
  const first = await start({ CATWALK_PAUSE_AT: 'keys.rewrapped' })
  cleanup.defer(() => first.kill9())
  const api = await apiOf(first)
  const { deployment, token } = await api.call('createDeployment', {
    body: { source: 'npm:echo-mcp', name: 'echo', variables: { ECHO_KEY: 'sesame-sesame' } },
  })
  await until(
    'it runs',
    async () =>
      (await api.call('getDeployment', { params: { id: deployment.id } })).state === 'running' ? true : null,
    60_000,
  )
  const ring = parseKeyRing(await readFile(join(dataDir, 'master.key'), 'utf8'), 'test')
  const sealer = createSealer(() => ring)
  const { workspace_id: workspaceId } = await database.kysely
    .selectFrom('deployments')
    .select('workspace_id')
    .executeTakeFirstOrThrow()
  for (let batch = 0; batch < COUNT; batch += 1000) {
    const rows = Array.from({ length: 1000 }, (_, index) => {
      const id = newId('credential')
      const sealed = sealer.encrypt(`credential/${id}`, new Secret(`value ${batch + index}`))
      return {
        id,
        workspace_id: workspaceId,
        deployment_id: deployment.id,
        name: `BULK_${batch + index}`,
        version: 1,
        token: sealed.token,
        key_id: sealed.keyId,
      }
    })
    await database.kysely.insertInto('credentials').values(rows).execute()
  }
  await api.call('addKey', {})
  await api.call('rotateKeys', {})
  await until('the first batch is done', () => (first.output().includes('Paused at keys') ? true : null))
  const half = await keysOf(first)
  expect(half.keys[1]?.secrets).toBeGreaterThan(COUNT / 2)
  await first.kill9()

  await using second = await start()
  let calls = 0
  let slowestMs = 0
  const done = new AbortController()
  const caller = async () => {
    await using client = await connectClient(`${second.origin}/mcp/echo`, token.secret)
    while (!done.signal.aborted) {
      const startedAt = performance.now()
      await client.listTools()
      slowestMs = Math.max(slowestMs, performance.now() - startedAt)
      calls += 1
    }
  }
  const calling = [caller(), caller()]
  const other = await apiOf(second)
  const started = other.call('createDeployment', {
    body: { source: 'npm:echo-mcp', name: 'second', variables: { ECHO_KEY: 'open-sesame' } },
  })
  const status = await until(
    'the rotation is done',
    async () => {
      const keys = await keysOf(second)
      return (keys.rotation?.finishedAt ?? null) === null ? null : keys
    },
    120_000,
  )
  expect(status.keys[1]?.secrets).toBe(0)
  expect(status.rotation?.unreadable).toEqual([])
  const { deployment: fresh } = await started
  await until(
    'the second deployment runs',
    async () =>
      (await other.call('getDeployment', { params: { id: fresh.id } })).state === 'running' ? true : null,
    60_000,
  )
  done.abort()
  await Promise.all(calling)
  expect(calls).toBeGreaterThan(0)
  process.stdout.write(`${calls} calls went on, the slowest took ${Math.round(slowestMs)} ms\n`)

  await other.call('retireKey', { params: { id: ring.newest.id } })
  const newest = parseKeyRing(await readFile(join(dataDir, 'master.key'), 'utf8'), 'test')
  const opener = createSealer(() => newest)
  const rows = await database.kysely
    .selectFrom('credentials')
    .select(['id', 'name', 'token', 'key_id'])
    .where('name', 'like', 'BULK_%')
    .execute()
  expect(rows).toHaveLength(COUNT)
  for (const row of rows) {
    const value = opener.decrypt(`credential/${row.id}`, row.token, row.key_id).reveal()
    expect(value).toBe(`value ${row.name.slice('BULK_'.length)}`)
  }
})
