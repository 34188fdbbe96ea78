import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { processesOf } from '../../src/db/embedded/leftovers.ts'
import { keptDatabases, type UpgradeStep } from '../../src/db/index.ts'
import {
  connectionOf,
  FORMER_MAJOR,
  makeFilledDirectory,
  openIn,
  readSums,
  versionIn,
  type FormerDirectory,
} from '../db/fixtures/former-directory.ts'
import { startProgram } from '../support/child-program.ts'

const UPGRADER = path.join(import.meta.dirname, '..', 'db', 'fixtures', 'upgrader.ts')

let former: FormerDirectory
beforeAll(async () => {
  former = await makeFilledDirectory()
})
afterAll(() => former[Symbol.asyncDispose]())

const databases = async (dataDir: string) =>
  (await readdir(dataDir)).filter((name) => name.startsWith('database')).toSorted()

async function killAt(step: UpgradeStep, dataDir: string, env?: NodeJS.ProcessEnv): Promise<void> {
  const program = startProgram(UPGRADER, [dataDir, step], env === undefined ? {} : { env })
  await program.line((line) => line === `at ${step}`)
  await program[Symbol.asyncDispose]()
}

/** The next start has it all, in the new major, and left nothing lying about. */
async function expectHealed(dataDir: string): Promise<void> {
  await using database = await openIn(dataDir)
  expect(await readSums(await connectionOf(database))).toEqual(former.sums)
  const [kept = '', ...others] = await keptDatabases(dataDir)
  expect(others).toEqual([])
  expect(await databases(dataDir)).toEqual(['database', path.basename(kept)])
  expect(await versionIn(kept)).toBe(FORMER_MAJOR)
  expect(await versionIn(path.join(dataDir, 'database'))).toBeGreaterThan(FORMER_MAJOR)
  expect(await processesOf(kept)).toEqual([])
  expect((await readdir(dataDir)).filter((name) => name.startsWith('run'))).toEqual(['run'])
}

test.each<[UpgradeStep, number]>([
  ['database.fetched', 1],
  ['database.initialised', 2],
  ['database.copied', 2],
  ['database.upgraded', 2],
  ['database.kept', 2],
])(
  'killed at %s while a database is brought over, the next start does what is left, and nothing is lost',
  async (step, count) => {
    await using directory = await former.copy(true)
    await killAt(step, directory.path)
    expect(await databases(directory.path)).toHaveLength(count)
    await expectHealed(directory.path)
  },
)

test('where the system cannot end the two databases of an upgrade, the next start does, and goes on', async () => {
  await using directory = await former.copy(true)
  // A search path without setpriv.
  const bin = path.join(directory.path, 'bin')
  await mkdir(bin)
  await symlink('/usr/bin/id', path.join(bin, 'id'))
  await killAt('database.copied', directory.path, { PATH: bin })
  for (const name of await databases(directory.path)) {
    expect((await processesOf(path.join(directory.path, name))).length).toBeGreaterThan(0)
  }
  await expectHealed(directory.path)
})

test('what was brought over but not put in its place is made anew, because the former version may have gone on meanwhile', async () => {
  await using directory = await former.copy(true)
  await killAt('database.upgraded', directory.path)
  expect(await readdir(directory.path)).toContain('database.upgraded')
  await writeFile(path.join(directory.path, 'database.upgraded', 'stale'), '')
  await using database = await openIn(directory.path)
  expect(await readdir(path.join(directory.path, 'database'))).not.toContain('stale')
  expect(await readSums(await connectionOf(database))).toEqual(former.sums)
})
