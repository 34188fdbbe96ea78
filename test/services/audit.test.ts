import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { queries } from '../../src/db/index.ts'
import { newId } from '../../src/domain/index.ts'
import { chainAuditEntries, listAudit, verifyAudit, type ServiceContext } from '../../src/services/index.ts'
import { createWorld, type World } from '../reconciler/world.ts'

let world: World
let ctx: ServiceContext
beforeEach(async () => {
  world = await createWorld()
  ctx = world.ctx
})
afterEach(() => world[Symbol.asyncDispose]())

async function record(count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    await queries.recordAudit(ctx.db, {
      actor: ctx.actor,
      action: index % 2 === 0 ? 'deployment.stop' : 'endpoint_token.create',
      target: `dep_${index}`,
      detail: { b: 1, a: { text: 'ü"\\' } },
    })
  }
}

const query: Parameters<typeof listAudit>[1]['query'] = {
  action: undefined,
  actor: undefined,
  target: undefined,
  outcome: undefined,
  from: undefined,
  to: undefined,
  before: undefined,
  limit: 100,
}

test('an untouched log verifies, whoever chained it and in how many turns', async () => {
  await record(3)
  await chainAuditEntries(ctx.db, ctx.vault)
  await record(4)
  const [a, b] = await Promise.all([
    chainAuditEntries(ctx.db, ctx.vault),
    chainAuditEntries(ctx.db, ctx.vault),
  ])
  expect(a + b).toBe(4)
  const verification = await verifyAudit(ctx)
  expect(verification).toMatchObject({ ok: true, entries: 7, problem: null })
  expect(verification.head).toMatch(/^[0-9a-f]{64}$/)
})

test.each([
  ['a changed actor', sql`update audit_entries set actor_id = 'user_other' where seq = 3`, 'changed'],
  ['a changed outcome', sql`update audit_entries set outcome = 'failed' where seq = 3`, 'changed'],
  ['a changed detail', sql`update audit_entries set detail = '{"b": 2}' where seq = 3`, 'changed'],
  [
    'a changed time',
    sql`update audit_entries set at = at + interval '1 microsecond' where seq = 3`,
    'changed',
  ],
  ['a removed entry', sql`delete from audit_entries where seq = 3`, 'missing'],
  [
    'a removed entry whose gap was closed',
    sql`do $$ begin
      delete from audit_entries where seq = 3;
      update audit_entries set seq = seq - 1 where seq > 3;
    end $$`,
    'moved',
  ],
  [
    'two entries that changed places',
    sql`update audit_entries set seq = -seq where seq in (3, 4)`,
    'missing',
  ],
])('%s is noticed and named', async (_, tamper, what) => {
  await record(6)
  await chainAuditEntries(ctx.db, ctx.vault)
  await tamper.execute(ctx.db)
  const verification = await verifyAudit(ctx)
  expect(verification).toMatchObject({ ok: false, problem: { what, seq: '3' } })
})

test('an end that was cut off is noticed', async () => {
  await record(6)
  await chainAuditEntries(ctx.db, ctx.vault)
  await sql`delete from audit_entries where seq > 4`.execute(ctx.db)
  expect(await verifyAudit(ctx)).toMatchObject({ ok: false, problem: { what: 'missing', seq: '5' } })
})

test('an entry that is written while the chain grows waits for nobody and is added later', async () => {
  await record(1)
  await ctx.db.transaction().execute(async (tx) => {
    await queries.lockAuditHead(tx)
    await record(1)
  })
  expect(await chainAuditEntries(ctx.db, ctx.vault)).toBe(2)
})

test('a page shows the workspace alone, newest first, and goes on from a cursor', async () => {
  await record(5)
  const workspaceId = newId('workspace')
  await ctx.db.insertInto('workspaces').values({ id: workspaceId, name: 'Other' }).execute()
  await queries.recordAudit(ctx.db, { actor: { ...ctx.actor, workspaceId }, action: 'x.y', target: null })
  const first = (await listAudit(ctx, { query: { ...query, limit: 2 } })).items
  const rest = (await listAudit(ctx, { query: { ...query, before: first.at(-1)?.id } })).items
  expect([...first, ...rest].map(({ target }) => target)).toEqual(
    [4, 3, 2, 1, 0].map((index) => `dep_${index}`),
  )
})

async function of(some: Partial<typeof query>): Promise<number> {
  return (await listAudit(ctx, { query: { ...query, ...some } })).items.length
}

test('filters narrow it by action, actor, target, outcome and time', async () => {
  await record(4)
  expect(await of({ action: 'deployment' })).toBe(2)
  expect(await of({ action: 'deploy' })).toBe(0)
  expect(await of({ action: 'endpoint_token.create' })).toBe(2)
  expect(await of({ actor: 'ANA@' })).toBe(4)
  expect(await of({ actor: "' or true --" })).toBe(0)
  expect(await of({ target: 'dep_2' })).toBe(1)
  expect(await of({ outcome: 'refused' })).toBe(0)
  expect(await of({ from: '2000-01-01T00:00:00Z', to: '2001-01-01T00:00:00Z' })).toBe(0)
})
