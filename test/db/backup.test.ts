import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { backupDatabase, openDatabase, restoreDatabase, type Database } from '../../src/db/index.ts'
import { newId, type Secret } from '../../src/domain/index.ts'
import { createLogWriter } from '../../src/services/index.ts'
import { createWorld, type World } from '../reconciler/world.ts'
import { testServerUrl } from '../support/database.ts'
import { urlOfDatabase } from '../support/database-server.ts'
import { silentLogger } from '../support/logger.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const never = new AbortController().signal
const owned = new AsyncDisposableStack()
let world: World
let folder: string
let file: string

const optionsOf = (url: Secret) => ({ url, dataDir: folder, logger: silentLogger })

beforeAll(async () => {
  folder = owned.use(await temporaryDirectory()).path
  file = join(folder, 'backup.gz')
  world = owned.use(await createWorld())
  const { database } = world
  for (let i = 0; i < 5; i++) await world.deploy({ API_TOKEN: `value ${i}` })
  const id = await world.deploy({ ODD: 'tab\tbackslash\\ line\nend \\. ünïcode' })
  // Lines that look like what ends a table, and one that is longer than a piece of the file.
  await writeLines(id, [
    '\\.',
    '\\\\.',
    'a\tb\nc',
    '',
    'x'.repeat(200_000),
    '{"table":"users","columns":["id"]}',
  ])
  await database.kysely
    .insertInto('users')
    .values({ id: 'usr_1', name: 'Ana', email: 'mara@example.com' })
    .execute()
})
afterAll(() => owned.disposeAsync())

async function writeLines(deploymentId: string, lines: readonly string[]): Promise<void> {
  await using logs = createLogWriter(world.ctx.db, silentLogger)
  for (const line of lines) {
    const { workspaceId } = world.ctx.actor
    logs.append({
      workspaceId,
      deploymentId,
      releaseId: null,
      instanceId: null,
      stream: 'stdout',
      line,
      at: new Date(),
    })
  }
}

/** A database of its own without a schema. */
async function blankDatabase(): Promise<{ url: Secret } & AsyncDisposable> {
  const server = await testServerUrl()
  const name = `blank_${randomUUID().replaceAll('-', '')}`
  const onServer = async (statement: ReturnType<typeof sql>) => {
    await using admin = await open(server)
    await statement.execute(admin.kysely)
  }
  await onServer(sql`create database ${sql.id(name)}`)
  return {
    url: urlOfDatabase(server, name),
    [Symbol.asyncDispose]: () => onServer(sql`drop database if exists ${sql.id(name)} with (force)`),
  }
}

const open = (url: Secret): Promise<Database> =>
  openDatabase({ url, dataDir: null, logger: silentLogger, poolSize: 2, migrate: false }, never)

const backup = (to: string) => backupDatabase(optionsOf(world.database.url), createWriteStream(to), never)

const KEPT = ['credentials', 'endpoint_tokens', 'events', 'log_lines', 'releases', 'users', 'workspaces']

/** A hash of all rows of a table, in any order. */
async function digest({ kysely }: Database, table: string): Promise<unknown> {
  const { rows } = await sql`
    select count(*) as rows, md5(coalesce(string_agg(md5(t::text), '' order by md5(t::text)), '')) as hash
    from ${sql.table(table)} t`.execute(kysely)
  return rows[0]
}

test('a restored database holds the very rows, to the letter, and numbers go on where they were', async () => {
  const written = await backup(file)
  await using target = await blankDatabase()
  const restored = await restoreDatabase(optionsOf(target.url), createReadStream(file), never)
  expect(restored).toEqual(written)
  expect(written.tables['deployments']?.rows).toBe(6)
  await using database = await open(target.url)
  for (const table of KEPT)
    expect([table, await digest(database, table)]).toEqual([table, await digest(world.database, table)])
  const before = await sql<{ id: string }>`select max(id)::text as id from events`.execute(database.kysely)
  const row = await database.kysely
    .insertInto('events')
    .values({
      workspace_id: world.ctx.actor.workspaceId,
      deployment_id: (await database.kysely.selectFrom('deployments').select('id').executeTakeFirstOrThrow())
        .id,
      kind: 'x',
      message: 'x',
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  expect(Number(row.id)).toBeGreaterThan(Number(before.rows[0]?.id))
})

test('references are in force again after a restore', async () => {
  await using target = await blankDatabase()
  await backup(file)
  await restoreDatabase(optionsOf(target.url), createReadStream(file), never)
  await using database = await open(target.url)
  await expect(
    database.kysely
      .insertInto('credentials')
      .values({
        id: newId('credential'),
        workspace_id: world.ctx.actor.workspaceId,
        deployment_id: 'dep_nobody',
        name: 'X',
        version: 1,
        token: 't',
        key_id: 'k',
      })
      .execute(),
  ).rejects.toThrow(/foreign key/)
})

test('a backup under load is of one moment: what hangs on a deployment is there with it', async () => {
  const done = new AbortController()
  const load = (async () => {
    while (!done.signal.aborted) await world.deploy({ API_TOKEN: 'under load' })
  })()
  const busy = join(folder, 'busy.gz')
  await backup(busy)
  done.abort()
  await load
  await using target = await blankDatabase()
  // References are checked when they are made again, so a backup of several moments would be refused.
  const { tables } = await restoreDatabase(optionsOf(target.url), createReadStream(busy), never)
  expect(tables['releases']?.rows).toBe(tables['deployments']?.rows)
  expect(tables['endpoint_tokens']?.rows).toBe(tables['deployments']?.rows)
})

test('a database with accounts is refused, and nothing in it changes', async () => {
  await backup(file)
  const before = await digest(world.database, 'releases')
  await expect(
    restoreDatabase(optionsOf(world.database.url), createReadStream(file), never),
  ).rejects.toMatchObject({ code: 'restore_not_empty' })
  expect(await digest(world.database, 'releases')).toEqual(before)
})

test('a file that is cut short, damaged or no backup is refused, and the database stays empty', async () => {
  await backup(file)
  const whole = await readFile(file)
  const flipped = Buffer.from(whole)
  const middle = Math.floor(flipped.length / 2)
  flipped[middle] = (flipped[middle] ?? 0) ^ 0xff
  await using target = await blankDatabase()
  for (const bytes of [
    whole.subarray(0, -40),
    whole.subarray(0, middle),
    flipped,
    Buffer.from('hello'),
    Buffer.of(),
  ]) {
    await expect(restoreDatabase(optionsOf(target.url), Readable.from([bytes]), never)).rejects.toMatchObject(
      { code: 'backup_invalid' },
    )
  }
  await using database = await open(target.url)
  expect((await sql`select to_regclass('users') as t`.execute(database.kysely)).rows).toBeDefined()
  await restoreDatabase(optionsOf(target.url), createReadStream(file), never)
})

test('a backup of a newer version is refused by name', async () => {
  const { gzipSync } = await import('node:zlib')
  const newer = join(folder, 'newer.gz')
  const header = { catwalkBackup: 1, createdAt: 'x', migrations: ['0001_first', '9999_from_the_future'] }
  await writeFile(newer, gzipSync(`${JSON.stringify(header)}\n`))
  await using target = await blankDatabase()
  await expect(restoreDatabase(optionsOf(target.url), createReadStream(newer), never)).rejects.toMatchObject({
    code: 'database_newer',
    message: expect.stringContaining('9999_from_the_future'),
  })
})
