import { readdir, rename } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { withClient } from '../../src/db/backup/client.ts'
import { processesOf } from '../../src/db/embedded/leftovers.ts'
import { keptDatabases } from '../../src/db/index.ts'
import { MIGRATIONS_DIRECTORY, readMigrations } from '../../src/db/migrate/files.ts'
import { migrate } from '../../src/db/migrate/migrate.ts'
import {
  connectionOf,
  FORMER_MAJOR,
  makeFilledDirectory,
  makeFormerDirectory,
  openIn,
  readSums,
  versionIn,
} from '../db/fixtures/former-directory.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { silentLogger } from '../support/logger.ts'

const never = new AbortController().signal

test('the kept one can be put back, and is brought over again', async () => {
  await using former = await makeFilledDirectory()
  await using directory = await former.copy(true)
  await (await openIn(directory.path))[Symbol.asyncDispose]()
  const [kept = ''] = await keptDatabases(directory.path)
  await rename(path.join(directory.path, 'database'), path.join(directory.path, 'set-aside'))
  await rename(kept, path.join(directory.path, 'database'))
  await using database = await openIn(directory.path)
  expect(await readSums(await connectionOf(database))).toEqual(former.sums)
})

test('a database of an older Catwalk is brought up to date on the way', async () => {
  const known = await readMigrations(MIGRATIONS_DIRECTORY)
  await using older = await makeFormerDirectory(async (connection) => {
    await migrate(connection.client, known.slice(0, -3), silentLogger, never)
    await withClient(connection, (client) =>
      client.query(`insert into workspaces (id, name) values ('ws_1', 'One')`),
    )
  })
  await using directory = await older.copy(true)
  await using database = await openIn(directory.path, { migrate: false })
  const { rows } = await sql<{ name: string }>`select name from schema_migrations order by name`.execute(
    database.kysely,
  )
  expect(rows.map(({ name }) => name)).toEqual(known.map(({ name }) => name))
  expect(await database.kysely.selectFrom('workspaces').select('id').execute()).toEqual([{ id: 'ws_1' }])
})

test('a database whose first start was cut off is replaced by an empty one', async () => {
  await using blank = await makeFormerDirectory(async () => undefined)
  await using directory = await blank.copy(true)
  await using database = await openIn(directory.path)
  expect(await database.kysely.selectFrom('users').selectAll().execute()).toEqual([])
})

test('when it holds a table that is not ours: the error names the reason, and no half of it stays', async () => {
  await using strange = await makeFormerDirectory(async (connection) => {
    await migrate(connection.client, await readMigrations(MIGRATIONS_DIRECTORY), silentLogger, never)
    await withClient(connection, (client) =>
      client.query(
        `insert into workspaces (id, name) values ('ws_1', 'One'); create table foreigner (id int)`,
      ),
    )
  })
  await using directory = await strange.copy(true)
  const error = await catwalkErrorOf(openIn(directory.path))
  expect(error.message).toContain('a table that this version of Catwalk does not know')
  expect((await readdir(directory.path)).filter((name) => name.startsWith('database'))).toEqual(['database'])
  expect(await versionIn(path.join(directory.path, 'database'))).toBe(FORMER_MAJOR)
  expect(await processesOf(path.join(directory.path, 'database'))).toEqual([])
})
