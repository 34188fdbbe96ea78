import { appendFile, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase, type Database } from '../../src/db/index.ts'
import { processesOf } from '../../src/db/embedded/leftovers.ts'
import { testServerUrl } from '../support/database.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { silentLogger } from '../support/logger.ts'
import { startProgram } from '../support/child-program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { prepareDirectories, type PreparedDirectories } from './fixtures/prepared-directory.ts'

const WRITER = path.join(import.meta.dirname, 'fixtures', 'writer.ts')

let prepared: PreparedDirectories
beforeAll(async () => {
  prepared = await prepareDirectories()
})
afterAll(() => prepared[Symbol.asyncDispose]())

function open(dataDir: string): Promise<Database> {
  const options = { url: null, dataDir, logger: silentLogger, durable: false }
  return openDatabase(options, AbortSignal.timeout(60_000))
}

async function addWorkspace(database: Database, id: string): Promise<void> {
  await database.kysely.insertInto('workspaces').values({ id, name: id }).execute()
}

async function workspaces(database: Database): Promise<readonly string[]> {
  const rows = await database.kysely.selectFrom('workspaces').select('id').orderBy('id').execute()
  return rows.map((row) => row.id)
}

test('a second start finds what the first one wrote, and nothing runs in between', async () => {
  await using directory = await prepared.copy()
  {
    await using database = await open(directory.path)
    await addWorkspace(database, 'ws_1')
    expect(database.kind).toBe('embedded')
  }
  expect(await processesOf(path.join(directory.path, 'database'))).toEqual([])
  await using database = await open(directory.path)
  expect(await workspaces(database)).toEqual(['ws_1'])
})

test('a database that was busy until it is closed is stopped without a word of warning', async () => {
  await using directory = await prepared.copy()
  const warnings: string[] = []
  const logger = { ...silentLogger, warn: (_: object, message: string) => void warnings.push(message) }
  for (let round = 0; round < 5; round++) {
    const options = { url: null, dataDir: directory.path, logger, durable: false }
    await using database = await openDatabase(options, AbortSignal.timeout(60_000))
    await Promise.all(Array.from({ length: 10 }, () => workspaces(database)))
  }
  expect(warnings).toEqual([])
})

test('settings are those of a safe small server', async () => {
  await using directory = await prepared.copy()
  const options = { url: null, dataDir: directory.path, logger: silentLogger }
  await using database = await openDatabase(options, AbortSignal.timeout(60_000))
  const names = ['listen_addresses', 'fsync', 'full_page_writes', 'synchronous_commit', 'data_checksums']
  const { rows } = await sql<{ name: string; setting: string }>`
    select name, setting from pg_settings where name = any(${names}::text[])`.execute(database.kysely)
  expect(Object.fromEntries(rows.map((row) => [row.name, row.setting]))).toEqual({
    listen_addresses: '',
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    data_checksums: 'on',
  })
  expect((await stat(path.join(directory.path, 'run'))).mode & 0o777).toBe(0o700)
  expect((await stat(path.join(directory.path, 'database'))).mode & 0o777).toBe(0o700)
})

test('one program per data directory: the second is told, in the same process or another', async () => {
  await using directory = await prepared.copy()
  await using first = await open(directory.path)
  expect((await catwalkErrorOf(open(directory.path))).code).toBe('data_dir_in_use')
  await using other = startProgram(WRITER, [directory.path])
  await expect(other.line((line) => line === 'open')).rejects.toThrow(/data_dir_in_use/)
  await addWorkspace(first, 'still_works')
})

test('the data directory is locked beside an external database too', async () => {
  await using directory = await temporaryDirectory()
  const options = {
    url: await testServerUrl(),
    dataDir: directory.path,
    logger: silentLogger,
    migrate: false,
  }
  const first = await openDatabase(options, AbortSignal.timeout(20_000))
  expect((await catwalkErrorOf(openDatabase(options, AbortSignal.timeout(20_000)))).code).toBe(
    'data_dir_in_use',
  )
  await first[Symbol.asyncDispose]()
  await (await openDatabase(options, AbortSignal.timeout(20_000)))[Symbol.asyncDispose]()
})

test.each(["with space, comma; quote's ünï", 'l'.repeat(120)])(
  'a data directory named %j works',
  async (name) => {
    await using directory = await temporaryDirectory()
    const dataDir = path.join(directory.path, name)
    await using database = await open(dataDir)
    await addWorkspace(database, 'ws_1')
    const options = { url: database.url, dataDir: null, logger: silentLogger }
    await using again = await openDatabase(options, AbortSignal.timeout(10_000))
    expect(await workspaces(again)).toEqual(['ws_1'])
  },
)

test.each(['$HOME', '`id`', 'a"b', 'back\\slash', 'line\nend'])(
  'a data directory named %j, which a shell would change, is refused',
  async (name) => {
    await using directory = await temporaryDirectory()
    expect((await catwalkErrorOf(open(path.join(directory.path, name)))).code).toBe('config_invalid')
    expect(await readdir(directory.path)).toEqual([])
  },
)

test('before migrations, the former state is copied to backups, and can be put back', async () => {
  await using directory = await prepared.copy()
  const latest = await withDatabase(directory.path, async (database) => {
    await addWorkspace(database, 'ws_1')
    // As an older version left it: its newest migration is not there yet.
    const { rows } = await sql<{ name: string }>`
      delete from schema_migrations where name = (select max(name) from schema_migrations) returning name`.execute(
      database.kysely,
    )
    return rows[0]?.name ?? ''
  })
  // The migration finds its tables there, which is as good a failure as any.
  const error = await catwalkErrorOf(open(directory.path))
  expect(error.code).toBe('migration_failed')
  const backups = await readdir(path.join(directory.path, 'backups'))
  expect(backups).toEqual([expect.stringMatching(new RegExp(`-before-${latest}$`))])
  await rm(path.join(directory.path, 'database'), { recursive: true })
  await rename(path.join(directory.path, 'backups', backups[0] ?? ''), path.join(directory.path, 'database'))
  const options = { url: null, dataDir: directory.path, logger: silentLogger, migrate: false }
  await using restored = await openDatabase(options, AbortSignal.timeout(60_000))
  expect(await workspaces(restored)).toEqual(['ws_1'])
})

async function withDatabase<T>(dataDir: string, work: (database: Database) => Promise<T>): Promise<T> {
  await using database = await open(dataDir)
  return await work(database)
}

test('a database that dies is started again, and queries and notifications go on', async () => {
  await using directory = await prepared.copy()
  await using database = await open(directory.path)
  await addWorkspace(database, 'ws_1')
  const reconnected = Promise.withResolvers<void>()
  await using _ = await database.listen('c', () => undefined, reconnected.resolve)
  const [postmaster = 0] = (await processesOf(path.join(directory.path, 'database'))).toSorted(
    (a, b) => a - b,
  )
  process.kill(postmaster, 'SIGKILL')
  await expect.poll(() => workspaces(database).catch(() => []), { timeout: 20_000 }).toEqual(['ws_1'])
  await reconnected.promise
})

describe('a start that cannot work says why', () => {
  test('a damaged database: the last lines', async () => {
    await using directory = await prepared.copy()
    await writeFile(path.join(directory.path, 'database', 'global', 'pg_control'), 'x')
    const error = await catwalkErrorOf(open(directory.path))
    expect(error.code).toBe('database_unreachable')
    expect(error.message).toMatch(/pg_control/)
  })

  test('a file in the place of the data directory', async () => {
    await using directory = await temporaryDirectory()
    const file = path.join(directory.path, 'file')
    await appendFile(file, '')
    expect((await catwalkErrorOf(open(file))).code).toBe('config_invalid')
  })
})

test('a start that is given up leaves nothing behind', async () => {
  await using directory = await temporaryDirectory()
  const dataDir = path.join(directory.path, 'data')
  await mkdir(dataDir)
  const options = { url: null, dataDir, logger: silentLogger, durable: false }
  await expect(openDatabase(options, AbortSignal.timeout(300))).rejects.toMatchObject({
    name: 'TimeoutError',
  })
  await using database = await open(dataDir)
  expect(database.version).toMatch(/^\d+/)
})
