import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { queries } from '../../src/db/index.ts'
import * as services from '../../src/services/index.ts'
import { createWorld, type World } from '../reconciler/world.ts'
import { catwalkErrorOf } from '../support/errors.ts'

let world: World
let id: string
beforeAll(async () => {
  world = await createWorld()
  id = await world.deploy()
})
afterAll(() => world[Symbol.asyncDispose]())

const sha = (secret: string) => createHash('sha256').update(secret).digest('hex')
const routeTokens = async () => (await queries.loadRoutes(world.ctx.db, id))[0]?.tokens ?? []

test('a rotated token keeps its name, scope and lifetime; the former works on for the grace time', async () => {
  const made = await services.createToken(world.ctx, {
    params: { id },
    body: { name: 'phone', scope: 'read', expiresInDays: 10 },
  })
  const next = await services.rotateToken(world.ctx, {
    params: { id, tokenId: made.id },
    body: { graceHours: 2 },
  })
  expect(next).toMatchObject({ name: 'phone', scope: 'read', replacedBy: null })
  expect(next.secret).not.toBe(made.secret)
  const days = (Date.parse(next.expiresAt ?? '') - Date.now()) / 86_400_000
  expect(days).toBeCloseTo(10, 2)
  const known = await routeTokens()
  const former = known.find(({ hash }) => hash === sha(made.secret))
  const hours = (Date.parse(former?.expires_at ?? '') - Date.now()) / 3_600_000
  expect(hours).toBeCloseTo(2, 2)
  expect(known.find(({ hash }) => hash === sha(next.secret))).toMatchObject({ scope: 'read' })
  const { items } = await services.listTokens(world.ctx, { params: { id } })
  expect(items.find((item) => item.id === made.id)).toMatchObject({ replacedBy: next.id })
})

test('limits of a token reach the gateways, are changed without another secret, and are handed on', async () => {
  const made = await services.createToken(world.ctx, {
    params: { id },
    body: { name: 'nightly', scope: 'full', expiresInDays: null, callsPerMinute: 30, concurrentCalls: 2 },
  })
  expect(made).toMatchObject({ callsPerMinute: 30, concurrentCalls: 2 })
  const inRoute = async () => (await routeTokens()).find(({ hash }) => hash === sha(made.secret))
  expect(await inRoute()).toMatchObject({ calls_per_minute: 30, concurrent_calls: 2 })
  const change = (body: Parameters<typeof services.changeToken>[1]['body']) =>
    services.changeToken(world.ctx, { params: { id, tokenId: made.id }, body })
  expect(await change({ callsPerMinute: null })).toMatchObject({ callsPerMinute: null, concurrentCalls: 2 })
  expect(await change({ name: 'daily' })).toMatchObject({ name: 'daily', concurrentCalls: 2 })
  expect(await inRoute()).toMatchObject({ calls_per_minute: null, concurrent_calls: 2 })
  const next = await services.rotateToken(world.ctx, {
    params: { id, tokenId: made.id },
    body: { graceHours: 1 },
  })
  expect(next).toMatchObject({ name: 'daily', callsPerMinute: null, concurrentCalls: 2 })
  expect(await catwalkErrorOf(change({ name: 'late' }))).toMatchObject({ code: 'token_not_found' })
})

test('without a grace time the former ends at once, and is swept away', async () => {
  const made = await services.createToken(world.ctx, {
    params: { id },
    body: { name: 'leaked', scope: 'full', expiresInDays: null },
  })
  await services.rotateToken(world.ctx, { params: { id, tokenId: 'leaked' }, body: { graceHours: 0 } })
  await queries.deleteReplacedTokens(world.ctx.db)
  expect((await routeTokens()).some(({ hash }) => hash === sha(made.secret))).toBe(false)
})

test('rotating never lengthens the life of a token that ends sooner', async () => {
  const made = await services.createToken(world.ctx, {
    params: { id },
    body: { name: 'brief', scope: 'full', expiresInDays: 1 },
  })
  await services.rotateToken(world.ctx, { params: { id, tokenId: made.id }, body: { graceHours: 720 } })
  const former = (await routeTokens()).find(({ hash }) => hash === sha(made.secret))
  expect(Date.parse(former?.expires_at ?? '')).toBe(Date.parse(made.expiresAt ?? ''))
})

test('a token that was replaced is not rotated again', async () => {
  const made = await services.createToken(world.ctx, {
    params: { id },
    body: { name: 'once', scope: 'full', expiresInDays: null },
  })
  const rotate = () =>
    services.rotateToken(world.ctx, { params: { id, tokenId: made.id }, body: { graceHours: 1 } })
  await rotate()
  expect((await catwalkErrorOf(rotate())).code).toBe('token_not_found')
})

test('nothing stored holds a token', async () => {
  const made = await services.createToken(world.ctx, {
    params: { id },
    body: { name: 'hidden', scope: 'full', expiresInDays: null },
  })
  const rows = await world.ctx.db.selectFrom('endpoint_tokens').selectAll().execute()
  const audit = await world.ctx.db.selectFrom('audit_entries').selectAll().execute()
  expect(JSON.stringify([rows, audit])).not.toContain(made.secret)
})
