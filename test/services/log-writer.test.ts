import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from '../../src/db/index.ts'
import { Secret, type LogLine } from '../../src/domain/index.ts'
import { createLogWriter, listLogs } from '../../src/services/index.ts'
import { createWorld, type World } from '../reconciler/world.ts'
import { startDatabaseWay } from '../support/database-way.ts'
import { silentLogger } from '../support/logger.ts'
import { until } from '../support/until.ts'
import type { Way } from '../support/way.ts'

let world: World

beforeAll(async () => {
  world = await createWorld()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

const lineOf = (deploymentId: string, line: string): LogLine => ({
  workspaceId: world.ctx.actor.workspaceId,
  deploymentId,
  releaseId: null,
  instanceId: null,
  stream: 'stdout',
  line,
  at: new Date(),
})

const stored = async (id: string): Promise<string[]> =>
  (await listLogs(world.ctx, { params: { id }, query: { limit: 1000 } })).items.map(({ line }) => line)

test('lines are stored in the order in which they came', async () => {
  const id = await world.deploy()
  await using writer = createLogWriter(world.ctx.db, silentLogger)
  for (let index = 0; index < 100; index++) writer.append(lineOf(id, `line ${index}`))
  await writer.flush()
  expect(await stored(id)).toEqual(Array.from({ length: 100 }, (_, index) => `line ${index}`))
})

test('of a flood the first and the last lines are kept, and the log says between them how many were left out', async () => {
  const id = await world.deploy()
  await using writer = createLogWriter(world.ctx.db, silentLogger)
  for (let index = 0; index < 2000; index++) writer.append(lineOf(id, `line ${index}`))
  writer.append({ ...lineOf(id, 'Catwalk says'), stream: 'system' })
  await writer.flush()
  const lines = await stored(id)
  expect(lines).toHaveLength(502)
  expect(lines.slice(398, 404)).toEqual([
    'line 398',
    'line 399',
    'Catwalk says',
    '… 1,500 lines were left out.',
    'line 1900',
    'line 1901',
  ])
  expect(lines.at(-1)).toBe('line 1999')
})

test('a server that floods on and on gets a rate, and its last words are kept', async () => {
  const id = await world.deploy()
  await using writer = createLogWriter(world.ctx.db, silentLogger)
  let cleaned = 0
  const clean = (line: string): string => (cleaned++, line)
  const written = 80 * 500
  for (let batch = 0; batch < 80; batch++) {
    for (let index = 0; index < 500; index++) writer.append(lineOf(id, `line ${batch * 500 + index}`), clean)
    await writer.flush()
  }
  const { rows } = await sql<{ line: string; stream: string }>`
    select line, stream from log_lines where deployment_id = ${id} order by id`.execute(world.ctx.db)
  const kept = rows.filter(({ stream }) => stream === 'stdout').map(({ line }) => line)
  const leftOut = rows
    .map(({ line }) => /^… ([\d,]+) lines? w(?:as|ere) left out\.$/.exec(line)?.[1])
    .reduce((sum, text) => sum + Number(text?.replaceAll(',', '') ?? 0), 0)
  expect(kept.length).toBeGreaterThanOrEqual(30_000)
  expect(leftOut).toBeGreaterThan(0)
  expect(kept.length + leftOut).toBe(written)
  expect(cleaned).toBe(kept.length)
  expect(kept.at(-1)).toBe(`line ${written - 1}`)
  const numbers = kept.map((line) => Number(line.slice(5)))
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
})

test('lines that could not be stored are counted in the log once it can be written again', async () => {
  const id = await world.deploy()
  const { db } = world.ctx
  await sql`alter table log_lines add constraint away check (line <> 'lost')`.execute(db)
  await using writer = createLogWriter(db, silentLogger)
  for (let index = 0; index < 3; index++) writer.append(lineOf(id, 'lost'))
  await writer.flush()
  await sql`alter table log_lines drop constraint away`.execute(db)
  writer.append(lineOf(id, 'kept'))
  await writer.flush()
  expect(await stored(id)).toEqual(['… 3 lines could not be stored.', 'kept'])
})

test('text that the database cannot hold is made storable, and nothing of the batch is lost', async () => {
  const id = await world.deploy()
  await using writer = createLogWriter(world.ctx.db, silentLogger)
  writer.append(lineOf(id, 'nul \0 and half \ud800'))
  writer.append(lineOf(id, 'x'.repeat(20_000)))
  writer.append(lineOf('dep_00000000000000000000000000', 'of a deployment that is gone'))
  writer.append(lineOf(id, 'last'))
  await writer.flush()
  const lines = await stored(id)
  expect(lines[0]).toBe('nul \u{FFFD} and half \u{FFFD}')
  expect(lines[1]).toHaveLength('x'.repeat(8192).length + '… (20000 characters)'.length)
  expect(lines.at(-1)).toBe('last')
})

/** A way to the database of the world that can be cut. `seen` hears all that the database says, before it arrives. */
async function openCuttable(seen?: (text: string, way: Way) => void) {
  await using stack = new AsyncDisposableStack()
  const { way, url } = stack.use(await startDatabaseWay(world.database, seen))
  const options = { url: new Secret(url), dataDir: null, logger: silentLogger, migrate: false }
  const { kysely } = stack.use(await openDatabase(options, AbortSignal.timeout(20_000)))
  const writer = stack.use(createLogWriter(kysely, silentLogger))
  const owned = stack.move()
  return { way, writer, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

test('what comes while the database is away is stored in its order once it is back', async () => {
  const id = await world.deploy()
  await using cuttable = await openCuttable()
  const { way, writer } = cuttable
  way.block()
  for (let index = 0; index < 1_000; index++) {
    writer.append(lineOf(id, `line ${index}`))
    if (index % 100 === 0) await writer.flush()
  }
  await writer.flush()
  expect(await stored(id)).toEqual([])
  way.mend()
  const wanted = Array.from({ length: 1_000 }, (_, index) => `line ${index}`)
  await until('all is stored', async () => ((await stored(id)).length > 0 ? true : null))
  await writer.flush()
  expect(await stored(id)).toEqual(wanted)
})

test('lines whose storing was not heard of are not stored twice', async () => {
  const id = await world.deploy()
  let cuts = 0
  await using cuttable = await openCuttable((text, way) => {
    if (!text.includes('COMMIT\0') || cuts > 0) return
    cuts++
    way.cut()
  })
  const { writer } = cuttable
  writer.append(lineOf(id, 'first'))
  await writer.flush()
  expect([cuts, await stored(id)]).toEqual([1, ['first']])
  writer.append(lineOf(id, 'second'))
  await writer.flush()
  expect(await stored(id)).toEqual(['first', 'second'])
})
