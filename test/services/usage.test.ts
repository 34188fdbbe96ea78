import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { queries } from '../../src/db/index.ts'
import { LATENCY_BOUNDS_MS, latencyBucket, newId, type UsageMinute } from '../../src/domain/index.ts'
import { createToken, getCost, getUsage } from '../../src/services/index.ts'
import { writeCalls } from '../support/calls.ts'
import { createWorld, type World } from '../reconciler/world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

function latency(...durations: readonly number[]): number[] {
  const histogram: number[] = [0, ...LATENCY_BOUNDS_MS].fill(0)
  for (const duration of durations) {
    const bucket = latencyBucket(duration)
    histogram[bucket] = (histogram[bucket] ?? 0) + 1
  }
  return histogram
}

function minute(deploymentId: string, at: string, changes: Partial<UsageMinute> = {}): UsageMinute {
  return {
    minute: new Date(`2026-01-${at}:00Z`),
    deploymentId,
    tokenId: '',
    method: 'tools/call',
    name: 'echo',
    calls: 1,
    errors: 0,
    latency: latency(3),
    ...changes,
  }
}

const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000)

const RANGE = { since: '2026-01-01T00:00:00Z', until: '2026-01-04T00:00:00Z' }
type Query = Parameters<typeof getUsage>[1]['query']
const usage = (query: Query) => getUsage(world.ctx, { query: { ...RANGE, ...query } })

test('usage adds up to the same by minute, by hour and by day, whichever replica writes it', async () => {
  const id = await world.deploy()
  const { db } = world.ctx
  await Promise.all([
    queries.addUsage(db, [
      minute(id, '02T10:00'),
      minute(id, '02T10:01', { calls: 2, latency: latency(3, 40) }),
    ]),
    queries.addUsage(db, [minute(id, '02T10:01'), minute(id, '02T11:00', { errors: 1 })]),
  ])
  await queries.addUsage(db, [minute(id, '03T23:59', { calls: 5 })])
  const day = { since: '2026-01-02T00:00:00Z', until: '2026-01-03T00:00:00Z' }
  for (const step of ['minute', 'hour', 'day'] as const) {
    expect((await usage({ deployment: id, ...day, step })).total).toMatchObject({ calls: 5, errors: 1 })
  }
  const hours = await usage({ deployment: id })
  expect([hours.step, hours.series.length]).toEqual(['hour', 72])
  expect(
    hours.series.filter(({ calls }) => calls > 0).map(({ at, calls }) => [at.slice(8, 13), calls]),
  ).toEqual([
    ['02T10', 4],
    ['02T11', 1],
    ['03T23', 5],
  ])
  const days = await usage({ deployment: id, step: 'day' })
  expect(days.series.map(({ calls }) => calls)).toEqual([0, 5, 5])
  expect(days.series[0]).toMatchObject({ p50Ms: null, p95Ms: null })
})

test('usage is told apart by tool, token, who called and deployment', async () => {
  const [id, other] = [await world.deploy(), await world.deploy()]
  const { db } = world.ctx
  const body = { name: 'phone', scope: 'full', expiresInDays: null } as const
  const token = await createToken(world.ctx, { params: { id }, body })
  await queries.addUsage(db, [
    minute(id, '02T10:00', { calls: 3, errors: 1, latency: latency(3, 3, 900), tokenId: token.id }),
    minute(id, '02T10:00', { name: 'write' }),
    minute(id, '02T10:00', { method: 'tools/list', name: '' }),
    minute(id, '02T10:00', { method: '', name: '', calls: 7, errors: 7 }),
    minute(other, '02T10:00'),
  ])
  const groups = async (by: NonNullable<Query['by']>, deployment: string | undefined = id) =>
    (await usage({ deployment, by })).groups.map(({ label, calls }) => [label, calls])
  expect(await groups('tool')).toEqual([
    ['Turned away by the gateway', 7],
    ['echo', 3],
    ['write', 1],
    ['tools/list', 1],
  ])
  expect(await groups('token')).toEqual([
    ['People and API keys', 9],
    ['phone', 3],
  ])
  const [echo] = (await usage({ deployment: id, by: 'token' })).groups.filter(({ key }) => key === token.id)
  expect(echo?.p50Ms).toBeLessThanOrEqual(5)
  expect(echo?.p99Ms).toBeGreaterThan(500)
  const deployments = (await usage({ by: 'deployment' })).groups.map(({ key }) => key)
  expect(deployments).toEqual(expect.arrayContaining([id, other]))

  await writeCalls(
    world.database,
    [10, 20, 30].map((durationMs) => ({
      at: new Date('2026-01-02T10:00:00Z'),
      workspaceId: world.ctx.actor.workspaceId,
      deploymentId: id,
      tokenId: token.id,
      subject: token.id,
      method: 'tools/call',
      name: 'echo',
      outcome: 'ok' as const,
      durationMs,
      requestId: 'req_1',
      traceId: null,
    })),
  )
  const bySubject = await usage({ deployment: id, by: 'subject' })
  expect(bySubject.groups).toMatchObject([{ key: token.id, label: 'phone', calls: 3, p50Ms: 20 }])
})

const sumOf = (parts: readonly { readonly calls: number }[]) =>
  parts.reduce((sum, { calls }) => sum + calls, 0)

test('a sum says the same as its parts, though calls are written while it is read', async () => {
  const id = await world.deploy()
  const { db } = world.ctx
  await queries.addUsage(db, [minute(id, '02T10:00')])
  let written = 0
  // Between any two of its queries a call is counted.
  const interrupted = db.withPlugin({
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      await queries.addUsage(db, [minute(id, '02T10:00')])
      written++
      return result
    },
  })
  for (const by of ['tool', 'token', 'deployment'] as const) {
    const { total, series, groups } = await getUsage(
      { ...world.ctx, db: interrupted },
      { query: { ...RANGE, deployment: id, by } },
    )
    expect([sumOf(series), sumOf(groups)]).toEqual([total.calls, total.calls])
  }
  expect(written).toBeGreaterThanOrEqual(6)
})

test("another workspace's usage and cost are not seen, and its deployments are not found", async () => {
  const id = await world.deploy()
  await queries.addUsage(world.ctx.db, [minute(id, '02T10:00')])
  const actor = { ...world.ctx.actor, workspaceId: newId('workspace') }
  const stranger = { ...world.ctx, actor }
  const seen = await getUsage(stranger, { query: RANGE })
  expect([seen.total.calls, seen.groups]).toEqual([0, []])
  expect((await getCost(stranger, { query: RANGE })).items).toEqual([])
  for (const service of [getUsage, getCost]) {
    await expect(service(stranger, { query: { deployment: id } })).rejects.toMatchObject({
      code: 'deployment_not_found',
    })
  }
})

test.each([
  [{ since: '2026-01-02T00:00:00Z', until: '2026-01-01T00:00:00Z' }],
  [{ since: '2016-01-02T00:00:00Z', until: '2026-01-01T00:00:00Z' }],
  [{ ...RANGE, step: 'minute' as const }],
])('the range %j is refused', async (query) => {
  await expect(getUsage(world.ctx, { query })).rejects.toMatchObject({ code: 'invalid_request' })
})

test('time awake adds up with the memory limit of its release, and costs what the price says', async () => {
  const id = await world.deploy()
  const { db } = world.ctx
  const { id: releaseId, settings } = await queries.newestRelease(db, id)
  const hour = new Date('2026-01-02T10:00:00Z')
  const time = { deploymentId: id, releaseId, hour, awakeMs: 900_000 }
  await queries.addAwakeTimes(db, [time])
  await queries.addAwakeTimes(db, [time, { ...time, deploymentId: newId('deployment') }])
  await queries.addUsage(db, [minute(id, '02T10:00', { calls: 4 })])
  const gibHours = (0.5 * settings.memoryMiB) / 1024
  const { items } = await getCost(world.ctx, { query: { ...RANGE, deployment: id } })
  expect(items).toMatchObject([
    { deployment: { id }, runtime: 'local', calls: 4, awakeHours: 0.5, gibHours, amount: null },
  ])
  const priced = { ...world.ctx, memoryPrice: { amount: 2, currency: 'EUR' } }
  const [item] = (await getCost(priced, { query: { ...RANGE, deployment: id } })).items
  expect(item).toMatchObject({ amount: 2 * gibHours, currency: 'EUR' })
  expect(item?.formula).toContain('GiB-hours, × 2 EUR')
})

test('minutes, hours and days go when their own retention is over', async () => {
  const id = await world.deploy()
  const { db } = world.ctx
  await queries.addUsage(
    db,
    [1, 10, 100, 800].map((days) => minute(id, '01T00:00', { minute: daysAgo(days) })),
  )
  await queries.deleteOldUsage(db, { callDays: 30, minuteDays: 7, hourDays: 90, dayDays: 750 })
  const { rows } = await sql<{ minutes: number; hours: number; days: number }>`
    select (select count(*)::int from usage_minutes where deployment_id = ${id}) as minutes,
      (select count(*)::int from usage_totals where deployment_id = ${id} and span = 'hour') as hours,
      (select count(*)::int from usage_totals where deployment_id = ${id} and span = 'day') as days`.execute(
    db,
  )
  expect(rows).toEqual([{ minutes: 1, hours: 2, days: 3 }])
})
