import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase, type Database } from '../../src/db/index.ts'
import { Secret } from '../../src/domain/index.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { silentLogger } from '../support/logger.ts'
import {
  externalUrl,
  hasSystemPostgres,
  PASSWORD,
  startExternalPostgres,
  USER,
  type ExternalPostgres,
} from './fixtures/external-postgres.ts'
import { testAnyServer } from './fixtures/any-server.ts'

function open(url: string, waitMs = 0): Promise<Database> {
  const options = { url: new Secret(url), dataDir: null, logger: silentLogger, migrate: false, waitMs }
  return openDatabase(options, AbortSignal.timeout(20_000))
}

/** Whether the connection of the query is encrypted. */
async function isEncrypted(url: string): Promise<boolean> {
  await using database = await open(url)
  const { rows } = await sql<{ ssl: boolean }>`
    select ssl from pg_stat_ssl where pid = pg_backend_pid()`.execute(database.kysely)
  return rows[0]?.ssl ?? false
}

describe.runIf(hasSystemPostgres)("the system's PostgreSQL", () => {
  let server: ExternalPostgres
  beforeAll(async () => {
    server = await startExternalPostgres()
    await using admin = await open(externalUrl(server, 'postgres'))
    await sql`create database tls_only`.execute(admin.kysely)
    await sql`create database plain_only`.execute(admin.kysely)
  })
  afterAll(() => server[Symbol.asyncDispose]())

  testAnyServer(() => new Secret(externalUrl(server, 'postgres')))

  test.each([
    ['', true],
    ['?sslmode=disable', false],
    ['?sslmode=allow', false],
    ['?sslmode=prefer', true],
    ['?sslmode=require', true],
    ['?sslmode=disable&pgbouncer=true&unheard_of=1', false],
  ])('on a server with both, %j encrypts: %j', async (parameters, encrypted) => {
    expect(await isEncrypted(externalUrl(server, 'postgres', parameters))).toBe(encrypted)
  })

  test.each(['allow', 'prefer'])('%s takes what the server insists on', async (mode) => {
    expect(await isEncrypted(externalUrl(server, 'tls_only', `?sslmode=${mode}`))).toBe(true)
    expect(await isEncrypted(externalUrl(server, 'plain_only', `?sslmode=${mode}`))).toBe(false)
  })

  test('disable and require insist themselves', async () => {
    const disable = await catwalkErrorOf(open(externalUrl(server, 'tls_only', '?sslmode=disable')))
    expect(disable.message).toContain('no encryption')
    const require = await catwalkErrorOf(open(externalUrl(server, 'plain_only', '?sslmode=require')))
    expect(require.code).toBe('database_unreachable')
  })

  test.each(['require', 'verify-ca', 'verify-full'])(
    '%s with a root certificate verifies it',
    async (mode) => {
      const withRoot = (file: string) =>
        externalUrl(server, 'postgres', `?sslmode=${mode}&sslrootcert=${file}`)
      expect(await isEncrypted(withRoot(server.authority))).toBe(true)
      const error = await catwalkErrorOf(open(withRoot(server.otherAuthority)))
      expect(error.code).toBe('database_unreachable')
      expect(error.message).toMatch(/certificate|signature/)
    },
  )

  test('verify-full verifies the name as well, also when the host is an address', async () => {
    const url = externalUrl(server, 'postgres', `?sslmode=verify-full&sslrootcert=${server.authority}`)
    const byAddress = url.replace('@localhost:', '@127.0.0.1:')
    expect((await catwalkErrorOf(open(byAddress))).message).toMatch(/IP: 127\.0\.0\.1|altnames/)
    expect(await isEncrypted(byAddress.replace('verify-full', 'verify-ca'))).toBe(true)
  })

  test('verify-full without a root certificate trusts no private authority', async () => {
    const error = await catwalkErrorOf(open(externalUrl(server, 'postgres', '?sslmode=verify-full')))
    expect(error.code).toBe('database_unreachable')
  })

  test('a root certificate that is not there is named', async () => {
    const url = externalUrl(server, 'postgres', '?sslmode=verify-full&sslrootcert=/nowhere/ca.pem')
    const error = await catwalkErrorOf(open(url))
    expect(error.code).toBe('config_invalid')
    expect(error.message).toContain('/nowhere/ca.pem')
  })

  test('a Unix socket, in both spellings, without TLS whatever the mode', async () => {
    const password = encodeURIComponent(PASSWORD)
    const directory = encodeURIComponent(server.socketDirectory)
    for (const url of [
      `postgres://${USER}:${password}@${directory}:${server.port}/postgres?sslmode=require`,
      `postgres:///postgres?host=${directory}&port=${server.port}&user=${USER}&password=${password}`,
    ]) {
      expect(await isEncrypted(url)).toBe(false)
    }
  })

  test.each([
    ['the password is wrong', (url: string) => url.replace('%40', 'x'), /password authentication failed/],
    [
      'the database is not there',
      (url: string) => url.replace('/postgres', '/nothing'),
      /"nothing" does not exist/,
    ],
    ['nothing listens', (url: string) => url.replace(/:\d+\/postgres/, ':1/postgres'), /ECONNREFUSED/],
    [
      'the name has no address',
      (url: string) => url.replace('@localhost', '@name.invalid'),
      /ENOTFOUND|EAI_AGAIN/,
    ],
    ['the socket is not there', (url: string) => `${url}?host=/nowhere`, /ENOENT/],
  ])('when %s, the error says so, without the password', async (_name, change, said) => {
    const error = await catwalkErrorOf(open(change(externalUrl(server, 'postgres'))))
    expect(error.code).toBe('database_unreachable')
    expect(error.message).toMatch(said)
    expect(error.message).not.toContain(PASSWORD)
    expect(error.message).not.toContain(encodeURIComponent(PASSWORD))
  })

  test('a server that is not there yet is waited for, but not for ever', async () => {
    const url = externalUrl(server, 'postgres').replace(/:\d+\/postgres/, ':1/postgres')
    const startedAt = performance.now()
    expect((await catwalkErrorOf(open(url, 700))).message).toContain('ECONNREFUSED')
    expect(performance.now() - startedAt).toBeGreaterThan(500)
  })

  test('with TLS switched off at the server, prefer goes on without and require says why it cannot', async () => {
    await server.setTls(false)
    try {
      expect(await isEncrypted(externalUrl(server, 'postgres', '?sslmode=prefer'))).toBe(false)
      const error = await catwalkErrorOf(open(externalUrl(server, 'postgres', '?sslmode=require')))
      expect(error.message).toContain('does not support SSL')
    } finally {
      await server.setTls(true)
    }
  })
})

describe.runIf(process.env['CATWALK_TEST_DATABASE_URL'] !== undefined)('CATWALK_TEST_DATABASE_URL', () => {
  testAnyServer(() => new Secret(process.env['CATWALK_TEST_DATABASE_URL'] ?? ''))
})
