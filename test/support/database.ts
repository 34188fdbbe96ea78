import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { sql } from 'kysely'
import { inject } from 'vitest'
import { openDatabase, type Database } from '../../src/db/index.ts'
import { Secret } from '../../src/domain/index.ts'
import { TEMPLATE, urlOfDatabase } from './database-server.ts'
import { silentLogger } from './logger.ts'

/**
 * A database of its own, migrated and empty, on the test run's server. Disposing removes it:
 * `await using db = await openTestDatabase()` in a test, or `beforeAll` and `afterAll` for a whole file.
 */
export async function openTestDatabase(): Promise<Database> {
  const server = await testServerUrl()
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await withServer(server, sql`create database ${sql.id(name)} template ${sql.id(TEMPLATE)}`)
  const database = await open(urlOfDatabase(server, name))
  return {
    ...database,
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]()
      await withServer(server, sql`drop database if exists ${sql.id(name)} with (force)`)
    },
  }
}

/** The test run's embedded server, as a user who may do everything. */
export async function testServerUrl(): Promise<Secret> {
  const answer = await text(connect(inject('databaseServerPort'), '127.0.0.1'))
  if (answer.startsWith('error ')) throw new Error(answer)
  return new Secret(answer)
}

async function withServer(server: Secret, statement: ReturnType<typeof sql>): Promise<void> {
  await using database = await open(server)
  await statement.execute(database.kysely)
}

async function open(url: Secret): Promise<Database> {
  const options = { url, dataDir: null, logger: silentLogger, poolSize: 5, migrate: false }
  return openDatabase(options, new AbortController().signal)
}
