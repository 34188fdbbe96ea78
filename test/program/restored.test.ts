import { execFile } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase, type Database } from '../../src/db/index.ts'
import type { Secret } from '../../src/domain/index.ts'
import { PACKAGES } from '../cli/packages.ts'
import { startNpmRegistry } from '../fakes/npm-registry.ts'
import { testServerUrl } from '../support/database.ts'
import { TEMPLATE, urlOfDatabase } from '../support/database-server.ts'
import { silentLogger } from '../support/logger.ts'
import { connectClient } from '../support/mcp-client.ts'
import { apiOf, startProgram, type Program } from '../support/program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'

const LAUNCHER = fileURLToPath(new URL('../../bin/catwalk', import.meta.url))

const owned = new AsyncDisposableStack()
let environment: Record<string, string>
/** Where the backup was restored to, as it is just after that. */
let restored: Database
let dataDir: string
let rightKey: string
let token: string
let asRestored: Readonly<Record<string, string>>

beforeAll(async () => {
  const folder = owned.use(await temporaryDirectory()).path
  dataDir = owned.use(await temporaryDirectory()).path
  const registry = owned.use(await startNpmRegistry(PACKAGES))
  const server = await testServerUrl()
  const [from, to] = [await makeDatabase(server, TEMPLATE), await makeDatabase(server, 'template0')]
  environment = { npm_config_registry: registry.url, npm_config_userconfig: '/nonexistent' }

  await using program = await startProgram({ env: { ...environment, DATABASE_URL: from.reveal() } })
  token = await deploy(program, 'first', 'the first value')
  await deploy(program, 'second', 'the second value')
  rightKey = await readFile(join(program.dataDir, 'master.key'), 'utf8')
  const file = join(folder, 'backup.gz')
  await run(['backup', file], from)
  await program.stop()

  await run(['restore', file], to)
  environment['DATABASE_URL'] = to.reveal()
  restored = owned.use(await open(to))
  asRestored = await everything(restored)
})
afterAll(() => owned.disposeAsync())

async function makeDatabase(server: Secret, template: string): Promise<Secret> {
  const admin = owned.use(await open(server))
  const name = `restored_${randomUUID().replaceAll('-', '')}`
  await sql`create database ${sql.id(name)} template ${sql.id(template)}`.execute(admin.kysely)
  owned.defer(async () => {
    await sql`drop database if exists ${sql.id(name)} with (force)`.execute(admin.kysely)
  })
  return urlOfDatabase(server, name)
}

const open = (url: Secret) =>
  openDatabase(
    { url, dataDir: null, logger: silentLogger, poolSize: 2, migrate: false },
    new AbortController().signal,
  )

async function run(words: readonly string[], database: Secret): Promise<void> {
  const env = { ...process.env, CATWALK_DATA_DIR: dataDir, DATABASE_URL: database.reveal() }
  await promisify(execFile)(process.execPath, [LAUNCHER, ...words], { env, timeout: 60_000 })
}

async function deploy(program: Program, name: string, value: string): Promise<string> {
  const api = await apiOf(program)
  const { deployment, token: made } = await api.call('createDeployment', {
    body: { source: 'npm:echo-mcp', name, variables: { ECHO_KEY: value } },
  })
  await until(
    `${name} runs`,
    async () =>
      (await api.call('getDeployment', { params: { id: deployment.id } })).state === 'running' ? true : null,
    60_000,
  )
  return made.secret
}

/** What a server says that it was started with; the call wakes it. */
async function startedWith(program: Program, id: string): Promise<string> {
  const api = await apiOf(program)
  const body = { tool: 'started', arguments: {} }
  return JSON.stringify(await api.call('callTool', { params: { id }, body }))
}

/** All rows of all tables. */
async function everything(database: Database): Promise<Readonly<Record<string, string>>> {
  const tables = await sql<{ name: string }>`
    select table_name as name from information_schema.tables where table_schema = 'public'`.execute(
    database.kysely,
  )
  const found: Record<string, string> = {}
  for (const { name } of tables.rows) {
    const { rows } = await sql<{
      row: string
    }>`select t::text as row from ${sql.table(name)} t order by 1`.execute(database.kysely)
    found[name] = rows.map(({ row }) => row).join('\n')
  }
  return found
}

const start = (masterKey?: string) =>
  startProgram({
    dataDir,
    env: { ...environment, ...(masterKey === undefined ? {} : { CATWALK_MASTER_KEY: masterKey }) },
  })

/** What the program says when it does not start. */
async function refusal(masterKey?: string): Promise<string> {
  const error: unknown = await start(masterKey).then(
    async (program) => {
      await program[Symbol.asyncDispose]()
      return null
    },
    (cause: unknown) => cause,
  )
  expect(error).toBeInstanceOf(Error)
  return String(error)
}

test('without its master key nothing starts, no other key is made, and nothing is overwritten', async () => {
  const said = await refusal()
  expect(said).toContain('Credentials are stored, but there is no master key')
  expect(said).toContain('Put the key back')
  expect(await readdir(dataDir)).not.toContain('master.key')
  expect(await everything(restored)).toEqual(asRestored)
})

test('under another master key nothing starts, the right one is named by its id, and nothing is overwritten', async () => {
  const wrong = randomBytes(32).toString('base64')
  for (const masterKey of [wrong, undefined]) {
    if (masterKey === undefined) await writeFile(join(dataDir, 'master.key'), `${wrong}\n`, { mode: 0o600 })
    const said = await refusal(masterKey)
    expect(said).toMatch(/What is stored was encrypted under \S+ \(\d+ secrets\); the key given is/)
    expect(said).toContain('Put the right one back')
    expect(said).not.toContain(wrong)
    expect(await everything(restored)).toEqual(asRestored)
  }
  expect((await readFile(join(dataDir, 'master.key'), 'utf8')).trim()).toBe(wrong)
  await rm(join(dataDir, 'master.key'))
})

test('under its own master key it starts, and its servers have their values', async () => {
  await using program = await start(rightKey.trim())
  expect(await startedWith(program, 'first')).toContain('the first value')
  expect(await startedWith(program, 'second')).toContain('the second value')
})

test('a ciphertext that was moved to another row is named, neither served nor overwritten, and all else works', async () => {
  const { kysely: db } = restored
  const rows = await db
    .selectFrom('credentials')
    .innerJoin('deployments', 'deployments.id', 'credentials.deployment_id')
    .select(['credentials.id', 'credentials.token', 'deployments.slug'])
    .orderBy('deployments.slug')
    .execute()
  const [first, second] = rows
  if (first === undefined || second === undefined) throw new Error('There are no two credentials.')
  // A copy of what the other one has, which was encrypted under the same master key.
  await db.updateTable('credentials').set({ token: second.token }).where('id', '=', first.id).execute()
  await using program = await start(rightKey.trim())
  const api = await apiOf(program)
  const { items } = await api.call('getDoctor', {})
  expect(items.find(({ name }) => name === 'credentials')).toMatchObject({
    level: 'error',
    detail: expect.stringContaining("the credential 'ECHO_KEY' of 'first'"),
  })
  await using client = await connectClient(`${program.origin}/mcp/first`, token)
  // Lists come from the record; whatever needs the server says why there is none.
  const answer = await client
    .callTool({ name: 'started', arguments: {} })
    .then((result) => JSON.stringify(result), String)
  expect(answer).toContain('could not be started')
  expect(answer).not.toContain('value')
  const events = await api.call('listEvents', { params: { id: 'first' }, query: {} })
  expect(JSON.stringify(events)).toContain('The credential ECHO_KEY cannot be opened')
  expect(await startedWith(program, 'second')).toContain('the second value')
  const after = await db
    .selectFrom('credentials')
    .select(['id', 'token'])
    .where('id', '=', first.id)
    .execute()
  expect(after).toEqual([{ id: first.id, token: second.token }])
})
