import { mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase, type Database } from '../../src/db/index.ts'
import { processesOf } from '../../src/db/embedded/leftovers.ts'
import { silentLogger } from '../support/logger.ts'
import { codeAs, startProgram } from '../support/child-program.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { prepareDirectories, type PreparedDirectories } from '../db/fixtures/prepared-directory.ts'

const WRITER = path.join(import.meta.dirname, '..', 'db', 'fixtures', 'writer.ts')

let prepared: PreparedDirectories
beforeAll(async () => {
  prepared = await prepareDirectories()
})
afterAll(() => prepared[Symbol.asyncDispose]())

function open(dataDir: string): Promise<Database> {
  const options = { url: null, dataDir, logger: silentLogger, durable: false }
  return openDatabase(options, AbortSignal.timeout(60_000))
}

async function countWritten(database: Database): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::integer as count from written where n <= (select max(n) from written)`.execute(
    database.kysely,
  )
  return rows[0]?.count ?? 0
}

test('a killed program leaves nothing: its database ends with it', async () => {
  await using directory = await prepared.copy()
  const program = startProgram(WRITER, [directory.path])
  await program.line((line) => line === 'open')
  await program[Symbol.asyncDispose]()
  await expect.poll(() => processesOf(path.join(directory.path, 'database')), { timeout: 10_000 }).toEqual([])
})

test('where the system cannot end the database, the next start does, and goes on', async () => {
  await using directory = await prepared.copy()
  // A search path without setpriv.
  const bin = path.join(directory.path, 'bin')
  await mkdir(bin)
  await symlink('/usr/bin/id', path.join(bin, 'id'))
  const program = startProgram(WRITER, [directory.path], { env: { PATH: bin } })
  await program.line((line) => Number(line) >= 10)
  await program[Symbol.asyncDispose]()
  expect((await processesOf(path.join(directory.path, 'database'))).length).toBeGreaterThan(0)
  await using database = await open(directory.path)
  expect(await countWritten(database)).toBeGreaterThanOrEqual(Number(program.lines.at(-1)))
})

test('backends whose postmaster was killed as well are ended before the next start', async () => {
  await using directory = await prepared.copy()
  const databaseDirectory = path.join(directory.path, 'database')
  const bin = path.join(directory.path, 'bin')
  await mkdir(bin)
  await symlink('/usr/bin/id', path.join(bin, 'id'))
  const program = startProgram(WRITER, [directory.path], { env: { PATH: bin } })
  await program.line((line) => Number(line) >= 1)
  const processes = (await processesOf(databaseDirectory)).toSorted((a, b) => a - b)
  // A stopped backend cannot notice that its postmaster is gone.
  for (const pid of processes.slice(1)) process.kill(pid, 'SIGSTOP')
  process.kill(processes[0] ?? 0, 'SIGKILL')
  await program[Symbol.asyncDispose]()
  await using database = await open(directory.path)
  expect(await countWritten(database)).toBeGreaterThanOrEqual(Number(program.lines.at(-1)))
  const running = await processesOf(databaseDirectory)
  expect(running.filter((pid) => processes.includes(pid))).toEqual([])
})

test('a postmaster.pid whose number now belongs to another process: that one is left alone', async () => {
  await using directory = await prepared.copy()
  const databaseDirectory = path.join(directory.path, 'database')
  const { uid, gid } = await stat(databaseDirectory)
  await using bystander = startProgram('-e', [codeAs({ uid, gid }, 'setInterval(() => undefined, 1000)')])
  const pidFile = path.join(databaseDirectory, 'postmaster.pid')
  await writeFile(pidFile, `${bystander.child.pid}\n${databaseDirectory}\n1700000000\n5432\n/tmp\n\n\n`)
  await using database = await open(directory.path)
  expect(database.kind).toBe('embedded')
  expect(bystander.child.exitCode).toBeNull()
  expect(bystander.child.signalCode).toBeNull()
})

test(
  'a first start that was killed anywhere is made good by the next one',
  { timeout: 120_000 },
  async () => {
    for (const afterMs of [200, 700, 1300]) {
      await using directory = await temporaryDirectory()
      const program = startProgram(WRITER, [directory.path])
      await delay(afterMs)
      await program[Symbol.asyncDispose]()
      await using database = await open(directory.path)
      expect(database.kind).toBe('embedded')
      const left = (await readdir(directory.path)).filter((name) => name.includes('unfinished'))
      expect(left, `killed after ${afterMs} ms`).toEqual([])
    }
  },
)

test('every acknowledged row is there after kills at random moments', { timeout: 60_000 }, async () => {
  await using directory = await prepared.copy()
  let acknowledged = 0
  const until = performance.now() + 12_000
  for (let round = 0; round < 8 && performance.now() < until; round += 1) {
    const program = startProgram(WRITER, [directory.path])
    await program.line((line) => line === 'open')
    await delay(Math.random() * 400)
    await program[Symbol.asyncDispose]()
    acknowledged = Math.max(acknowledged, ...program.lines.map(Number).filter(Number.isInteger))
  }
  expect(acknowledged).toBeGreaterThan(0)
  await using database = await open(directory.path)
  expect(await countWritten(database)).toBeGreaterThanOrEqual(acknowledged)
})
