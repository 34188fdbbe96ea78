import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { queries } from '../../src/db/index.ts'
import type { LogLine } from '../../src/domain/index.ts'
import { listLogs } from '../../src/services/index.ts'
import { createWorld, type World } from '../reconciler/world.ts'

let world: World

beforeAll(async () => {
  world = await createWorld()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

const minute = (count: number) => new Date(Date.UTC(2026, 0, 1, 12, count))

async function write(
  deploymentId: string,
  lines: readonly (Partial<LogLine> & { line: string })[],
): Promise<void> {
  await queries.insertLogLines(
    world.ctx.db,
    lines.map((line, index) => ({
      workspaceId: world.ctx.actor.workspaceId,
      deploymentId,
      releaseId: null,
      instanceId: null,
      stream: 'stderr' as const,
      at: minute(index),
      ...line,
    })),
  )
}

type Query = Partial<Parameters<typeof listLogs>[1]['query']>

async function found(id: string, query: Query): Promise<readonly string[]> {
  const { items } = await listLogs(world.ctx, { params: { id }, query: { limit: 1000, ...query } })
  return items.map(({ line }) => line)
}

test('lines are found by text in any case, stream, time, release and instance, and by all of them together', async () => {
  const id = await world.deploy()
  const { id: releaseId } = await queries.newestRelease(world.ctx.db, id)
  await write(id, [
    { line: 'Listening' },
    { line: 'ERROR: größer als 100%', stream: 'stdout', instanceId: 'ins_1' },
    { line: 'error: 100 of them', releaseId },
    { line: 'an error of Catwalk', stream: 'system', instanceId: 'ins_1', releaseId },
  ])
  const [listening, first, second, own] = await found(id, {})
  expect(await found(id, { search: 'error' })).toEqual([first, second, own])
  expect(await found(id, { search: 'GRÖSSER' })).toEqual([])
  expect(await found(id, { search: 'GRÖßER' })).toEqual([first])
  // Nothing in it is a pattern.
  expect(await found(id, { search: '100%' })).toEqual([first])
  expect(await found(id, { search: '_isten' })).toEqual([])
  expect(await found(id, { search: '\\' })).toEqual([])
  expect(await found(id, { stream: 'stdout' })).toEqual([first])
  expect(await found(id, { stream: 'program' })).toEqual([listening, first, second])
  expect(await found(id, { stream: 'system' })).toEqual([own])
  expect(await found(id, { since: minute(2).toISOString() })).toEqual([second, own])
  expect(await found(id, { until: minute(1).toISOString() })).toEqual([listening])
  expect(await found(id, { release: 1 })).toEqual([second, own])
  expect(await found(id, { instance: 'ins_1' })).toEqual([first, own])
  expect(await found(id, { instance: 'ins_1', search: 'catwalk', release: 1 })).toEqual([own])
  expect(await found(id, { after: '0', search: 'error', limit: 2 })).toEqual([first, second])
  await expect(found(id, { release: 7 })).rejects.toMatchObject({ code: 'release_not_found' })
})

test('a log is read backwards page by page, and the last page says that there is none before it', async () => {
  const id = await world.deploy()
  await write(
    id,
    Array.from({ length: 5 }, (_, index) => ({ line: `line ${index}` })),
  )
  const pages: string[][] = []
  let before: string | null | undefined
  while (before !== null) {
    const query = { limit: 2, ...(before === undefined ? {} : { before }) }
    const page: Awaited<ReturnType<typeof listLogs>> = await listLogs(world.ctx, { params: { id }, query })
    pages.push(page.items.map(({ line }) => line))
    before = page.before
  }
  expect(pages).toEqual([['line 3', 'line 4'], ['line 1', 'line 2'], ['line 0']])
})

test('a search looks at so many lines only, and says where to go on', async () => {
  const id = await world.deploy()
  await write(
    id,
    Array.from({ length: 25 }, (_, index) => ({ line: index === 3 ? 'needle' : 'hay' })),
  )
  const search = (before?: string) =>
    queries.searchLogLines(world.ctx.db, id, { search: 'needle' }, { before, limit: 5, window: 10 })
  const first = await search()
  expect(first.rows).toEqual([])
  const second = await search(first.before ?? '')
  expect(second.rows).toEqual([])
  const third = await search(second.before ?? '')
  expect([third.rows.map(({ line }) => line), third.before]).toEqual([['needle'], null])
})

test('of each deployment so many lines are kept, and none that is too old', async () => {
  const [many, old] = [await world.deploy(), await world.deploy()]
  const now = new Date()
  await write(
    many,
    Array.from({ length: 6000 }, (_, index) => ({ line: `line ${index}`, at: now })),
  )
  await write(old, [
    { line: 'old', at: new Date(now.getTime() - 3 * 86_400_000) },
    { line: 'new', at: now },
  ])
  const { signal } = new AbortController()
  const deleted = await queries.deleteOldLogLines(world.ctx.db, { days: 2, lines: 10 }, signal)
  // More than one batch; whatever other tests left is counted as well.
  expect(deleted).toBeGreaterThanOrEqual(5991)
  expect(await found(many, {})).toEqual(Array.from({ length: 10 }, (_, index) => `line ${5990 + index}`))
  expect(await found(old, {})).toEqual(['new'])
})

test('one replica deletes at a time', async () => {
  const id = await world.deploy()
  await write(id, [{ line: 'old', at: new Date(0) }])
  const { signal } = new AbortController()
  const clean = () => queries.deleteOldLogLines(world.ctx.db, { days: 1, lines: 10 }, signal)
  await world.ctx.db.transaction().execute(async (tx) => {
    // What another replica holds while it deletes.
    await sql`select pg_advisory_xact_lock(hashtext('catwalk.log_retention'))`.execute(tx)
    expect(await clean()).toBe(0)
  })
  expect(await clean()).toBe(1)
})
