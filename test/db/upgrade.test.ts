import { readdir, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withClient } from '../../src/db/backup/client.ts'
import { requireSpace } from '../../src/db/embedded/upgrade.ts'
import { keptDatabases } from '../../src/db/index.ts'
import type { Logger } from '../../src/domain/index.ts'
import { createPackageFetcher, loadNpmConfiguration } from '../../src/packages/index.ts'
import { brokenReferences } from '../support/database-sums.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import {
  connectionOf,
  fetchPackage,
  FORMER_MAJOR,
  makeFilledDirectory,
  openIn,
  readSums,
  versionIn,
  type FormerDirectory,
} from './fixtures/former-directory.ts'

const owned = new AsyncDisposableStack()
let former: FormerDirectory

beforeAll(async () => {
  former = owned.use(await makeFilledDirectory())
})
afterAll(() => owned.disposeAsync())

/** Keeps what is said. */
function listeningLogger(): { readonly logger: Logger; readonly said: string[] } {
  const said: string[] = []
  const note = (_: object, text: string) => void said.push(text)
  const logger: Logger = { debug: () => undefined, info: note, warn: note, error: note, child: () => logger }
  return { logger, said }
}

/** Names, sizes and times of all files. */
async function state(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true })
  return Promise.all(
    entries.toSorted().map(async (entry) => {
      const { size, mtimeMs } = await stat(path.join(directory, entry))
      return `${entry} ${size} ${mtimeMs}`
    }),
  )
}

test('a database of a former major is brought over with every row, and the former one is kept', async () => {
  await using directory = await former.copy(false)
  const { logger, said } = listeningLogger()
  const [before, ours] = [former.sums, path.join(directory.path, 'database')]
  expect(before['calls']?.rows).toBe(4000)
  await using database = await openIn(directory.path, { logger, fetchPackage })
  const connection = await connectionOf(database)
  expect(await versionIn(ours)).toBeGreaterThan(FORMER_MAJOR)
  expect(Number.parseInt(database.version, 10)).toBe(await versionIn(ours))
  expect(await readSums(connection)).toEqual(before)
  expect(await withClient(connection, brokenReferences)).toMatchObject({ broken: [] })
  const { rows } = await sql<{ next: string; last: string }>`
    select nextval(pg_get_serial_sequence('calls', 'id'))::text as next, max(id)::text as last from calls`.execute(
    database.kysely,
  )
  expect(Number(rows[0]?.next)).toBeGreaterThan(Number(rows[0]?.last))

  const [kept = ''] = await keptDatabases(directory.path)
  expect(path.basename(kept)).toMatch(new RegExp(`^database\\.postgresql-${FORMER_MAJOR}-\\d{8}T\\d{6}Z$`))
  expect(await versionIn(kept)).toBe(FORMER_MAJOR)
  expect(said.join('\n')).toContain(`made by PostgreSQL ${FORMER_MAJOR}; bringing it over`)
  expect(said.join('\n')).toContain(`rm -r '${kept}'`)
  const names = (await readdir(directory.path)).filter((name) => !name.startsWith('lock'))
  expect(names.toSorted()).toEqual(['database', path.basename(kept), 'postgres', 'run'])
})

test('programs that the former version left are used, and nothing is fetched', async () => {
  await using directory = await former.copy(true)
  await using database = await openIn(directory.path, {
    fetchPackage: () => Promise.reject(new Error('fetched')),
  })
  expect(await readSums(await connectionOf(database))).toEqual(former.sums)
})

describe('what cannot be brought over is left as it is', () => {
  test('while the registry is away: the error says what to do', async () => {
    await using directory = await former.copy(false)
    const before = await state(path.join(directory.path, 'database'))
    const npm = {
      npm_config_registry: 'http://127.0.0.1:1/',
      npm_config_cache: path.join(directory.path, 'npm'),
    }
    const away = createPackageFetcher(() =>
      loadNpmConfiguration({ ...npm, npm_config_userconfig: '/nowhere' }),
    )
    const error = await catwalkErrorOf(openIn(directory.path, { fetchPackage: away }))
    expect(error.code).toBe('database_unreachable')
    expect(error.message).toContain(`made by PostgreSQL ${FORMER_MAJOR}`)
    expect(error.message).toContain('ECONNREFUSED')
    expect(error.help).toMatch(/Nothing was changed.*npm registry.*bin\/catwalk restore/)
    expect(await state(path.join(directory.path, 'database'))).toEqual(before)
    expect((await readdir(directory.path)).filter((name) => name.startsWith('database'))).toEqual([
      'database',
    ])
  })

  test('when a newer major made it: the error says how to go back', async () => {
    await using directory = await former.copy(false)
    await writeFile(path.join(directory.path, 'database', 'PG_VERSION'), '99\n')
    const error = await catwalkErrorOf(openIn(directory.path, { fetchPackage }))
    expect(error.message).toContain('made by PostgreSQL 99')
    expect(error.help).toContain('Start the newer version of Catwalk again')
  })

  test('when there is no room for a second one: the error says how much is needed', () => {
    const MiB = 1024 * 1024
    expect(() => requireSpace(1000 * MiB, 1512 * MiB, '/data')).not.toThrow()
    expect(() => requireSpace(1000 * MiB, 1511 * MiB, '/data')).toThrow(
      expect.objectContaining({ code: 'disk_full', message: expect.stringContaining('needs 1512 MiB') }),
    )
  })
})
