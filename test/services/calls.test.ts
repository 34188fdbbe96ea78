import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCallSheet, queries } from '../../src/db/index.ts'
import { newId, type CallRecord, type UsageMinute } from '../../src/domain/index.ts'
import { createToken, listCalls } from '../../src/services/index.ts'
import { writeCalls } from '../support/calls.ts'
import { createWorld, type World } from '../reconciler/world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000)
const callOf = (deploymentId: string, changes: Partial<CallRecord> = {}): CallRecord => ({
  at: new Date('2026-01-01T12:00:00Z'),
  workspaceId: world.ctx.actor.workspaceId,
  deploymentId,
  tokenId: null,
  subject: 'user_1',
  method: 'tools/call',
  name: 'echo',
  outcome: 'ok',
  durationMs: 1.5,
  requestId: 'req_1',
  traceId: null,
  ...changes,
})
type Query = Omit<Parameters<typeof listCalls>[1]['query'], 'limit'> & { limit?: number }
const list = (query: Query) => listCalls(world.ctx, { query: { limit: 100, ...query } })

test('calls are found by deployment, token, tool, outcome and time, newest first, page by page', async () => {
  const id = await world.deploy()
  const token = await createToken(world.ctx, {
    params: { id },
    body: { name: 'phone', scope: 'full', expiresInDays: null },
  })
  await writeCalls(world.database, [
    callOf(id, { requestId: 'one' }),
    callOf(id, {
      requestId: 'two',
      tokenId: token.id,
      subject: token.id,
      name: 'write',
      outcome: 'tool_error',
    }),
    callOf(id, { requestId: 'three', at: new Date('2026-01-02T12:00:00Z'), method: null, name: null }),
    callOf('dep_gone', { requestId: 'lost' }),
  ])
  const ids = async (query: Query) => (await list({ deployment: id, ...query })).items.map((c) => c.requestId)
  expect(await ids({})).toEqual(['three', 'two', 'one'])
  expect(await ids({ token: 'phone' })).toEqual(['two'])
  expect(await ids({ token: token.id })).toEqual(['two'])
  expect(await ids({ tool: 'write' })).toEqual(['two'])
  expect(await ids({ outcome: 'tool_error' })).toEqual(['two'])
  expect(await ids({ subject: token.id })).toEqual(['two'])
  expect(await ids({ since: '2026-01-02T00:00:00Z' })).toEqual(['three'])
  expect(await ids({ until: '2026-01-02T00:00:00Z' })).toEqual(['two', 'one'])

  const first = await list({ deployment: id, limit: 2 })
  expect(first.items[1]).toMatchObject({
    token: { id: token.id, name: 'phone' },
    durationMs: 1.5,
    name: 'write',
  })
  const second = await list({ deployment: id, limit: 2, before: first.before ?? '' })
  expect([second.items.map((c) => c.requestId), second.before]).toEqual([['one'], null])

  const actor = { ...world.ctx.actor, workspaceId: newId('workspace') }
  const elsewhere = await listCalls({ ...world.ctx, actor }, { query: { limit: 100 } })
  expect(elsewhere.items).toEqual([])
})

test('a call reads as it was written down, whatever letters a caller chose, and as if it had never been when its deployment goes', async () => {
  const id = await world.deploy()
  const other = await world.deploy()
  const odd = [
    '',
    '\t\n\\.\\N',
    '"{},',
    '\u{1F408} ü \u{10FFFF}',
    'a\uD800b',
    'x'.repeat(256),
    '\u0001\u007F\u0080',
  ]
  const times = ['1999-12-31T23:59:59.999Z', '2000-01-01T00:00:00.000Z', '2262-04-11T23:47:16.854Z']
  await writeCalls(world.database, [
    ...odd.map((name, n) => callOf(id, { name, traceId: 'f'.repeat(32), requestId: `odd ${n}` })),
    ...times.map((at) => callOf(id, { at: new Date(at), durationMs: 123_456_789, requestId: at })),
    callOf(other, { requestId: 'other' }),
  ])
  const { items } = await list({ deployment: id })
  expect(
    items
      .map(({ name }) => name)
      .toReversed()
      .slice(0, odd.length),
  ).toEqual(odd.map((name) => name.replace('\uD800', '\u{FFFD}')))
  expect(items.filter(({ traceId }) => traceId === 'f'.repeat(32))).toHaveLength(odd.length)
  expect(items.slice(0, times.length).map(({ at, requestId }) => [at, requestId])).toEqual(
    times.toReversed().map((at) => [at, at]),
  )
  expect(items[0]?.durationMs).toBeCloseTo(123_456_789, -2)

  const kept = async () =>
    (
      await world.ctx.db
        .selectFrom('calls')
        .select('request_id')
        .where('deployment_id', 'in', [id, other])
        .execute()
    ).map((call) => call.request_id)
  expect(await kept()).toHaveLength(odd.length + times.length + 1)
  await world.ctx.db.deleteFrom('deployments').where('id', '=', id).execute()
  expect(await kept()).toEqual(['other'])
  await writeCalls(world.database, [callOf(id, { requestId: 'late' })])
  expect(await kept()).toEqual(['other'])
})

test('a sheet takes calls until it is full, writes all of them or none, and is empty after it is cleared', async () => {
  const id = await world.deploy()
  const sheet = createCallSheet()
  // Three bytes a letter, the most that there can be.
  const call = callOf(id, { name: '\u{FFFD}'.repeat(256), requestId: 'r'.repeat(30) })
  while (sheet.add(call));
  const { count } = sheet
  expect(count).toBeGreaterThan(50)
  await world.database.writeCalls(sheet)
  expect(sheet.rows().length).toBeLessThanOrEqual(65_536)
  const total = async () =>
    world.ctx.db
      .selectFrom('calls')
      .select(({ fn }) => fn.countAll<string>().as('count'))
      .where('deployment_id', '=', id)
      .executeTakeFirstOrThrow()
      .then((row) => Number(row.count))
  expect(await total()).toBe(count)

  sheet.clear()
  expect(sheet.count).toBe(0)
  sheet.add(callOf(id))
  // No outcome of ours, so that the database refuses it.
  sheet.add({ ...callOf(id), outcome: 'odd' as 'ok' })
  await expect(world.database.writeCalls(sheet)).rejects.toThrow('calls_outcome_check')
  expect(await total()).toBe(count)

  sheet.clear()
  await world.database.writeCalls(sheet)
  expect(await total()).toBe(count)
})

test('a call says who was behind it, by name and by address, and is found by both', async () => {
  const id = await world.deploy()
  const { db } = world.ctx
  const person = { id: newId('user'), name: 'Ana', email: 'ana@fjordworks.example' }
  await db.insertInto('users').values(person).execute()
  const { id: tokenId } = await createToken(world.ctx, {
    params: { id },
    body: { name: 'phone', scope: 'full', expiresInDays: null },
  })
  await db.updateTable('endpoint_tokens').set({ user_id: person.id }).where('id', '=', tokenId).execute()
  await writeCalls(world.database, [
    callOf(id, { requestId: 'person', subject: person.id }),
    callOf(id, { requestId: 'token', subject: tokenId, tokenId }),
    callOf(id, { requestId: 'gone', subject: 'tok_gone', tokenId: 'tok_gone' }),
  ])
  const told = async (query: Query) =>
    (await list({ deployment: id, ...query })).items.map((call) => [call.requestId, call.who, call.person])
  expect(await told({})).toEqual([
    ['gone', 'tok_gone', null],
    ['token', 'phone', person.email],
    ['person', person.email, person.email],
  ])
  expect(await told({ subject: 'Ana@Fjordworks.example' })).toEqual([
    ['token', 'phone', person.email],
    ['person', person.email, person.email],
  ])
})

test('counters of a minute add up, whichever replica writes them', async () => {
  const id = await world.deploy()
  const minute: UsageMinute = {
    minute: new Date('2026-01-01T12:00:00Z'),
    deploymentId: id,
    tokenId: '',
    method: 'tools/call',
    name: 'echo',
    calls: 2,
    errors: 1,
    latency: [0, 1, 1],
  }
  await Promise.all([
    queries.addUsage(world.ctx.db, [minute, { ...minute, name: 'other' }]),
    queries.addUsage(world.ctx.db, [{ ...minute, name: 'other' }, minute]),
  ])
  await queries.addUsage(world.ctx.db, [{ ...minute, latency: [5, 0, 0, 7] }])
  const rows = await world.ctx.db
    .selectFrom('usage_minutes')
    .selectAll()
    .where('deployment_id', '=', id)
    .orderBy('name')
    .execute()
  expect(rows).toMatchObject([
    { name: 'echo', calls: 6, errors: 3, latency: [5, 2, 2, 7] },
    { name: 'other', calls: 4, errors: 2, latency: [0, 2, 2] },
  ])
})

test('what is older than its retention goes', async () => {
  const id = await world.deploy()
  await writeCalls(world.database, [
    callOf(id, { at: daysAgo(31), requestId: 'old' }),
    callOf(id, { at: daysAgo(29), requestId: 'young' }),
  ])
  await queries.deleteOldUsage(world.ctx.db, { callDays: 30, minuteDays: 7, hourDays: 90, dayDays: 750 })
  const { items } = await list({ deployment: id })
  expect(items.map((call) => call.requestId)).toEqual(['young'])
})
