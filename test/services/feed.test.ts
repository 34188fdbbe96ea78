import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { queries } from '../../src/db/index.ts'
import type { LogLine } from '../../src/domain/index.ts'
import { createChangeHub, streamFeed } from '../../src/services/index.ts'
import { createWorld, type World } from '../reconciler/world.ts'
import { until } from '../support/until.ts'

let world: World
const changes = createChangeHub()

beforeAll(async () => {
  world = await createWorld()
  await world.database.listen(
    queries.CHANNEL,
    (payload) => {
      const change = queries.readAnnouncement(payload)
      if (change !== null && 'deploymentId' in change) changes.publish(change.deploymentId)
    },
    () => changes.publishAll(),
  )
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

const MARK = 'told: '
const lineOf = (deploymentId: string, line: string): LogLine => ({
  workspaceId: world.ctx.actor.workspaceId,
  deploymentId,
  releaseId: null,
  instanceId: null,
  stream: 'stdout',
  line: MARK + line,
  at: new Date(),
})

/** What the two ways of adding something to the feed have in common. */
const KINDS = {
  lines: (db: queries.Handle, id: string, text: string) => queries.insertLogLines(db, [lineOf(id, text)]),
  events: async (db: queries.Handle, id: string, text: string) => {
    await queries.insertEvent(db, {
      workspaceId: world.ctx.actor.workspaceId,
      deploymentId: id,
      releaseId: null,
      kind: 'update.found',
      message: MARK + text,
    })
    await queries.announce(db, 'feed', id)
  },
} as const

/** Follows a deployment; `told` grows by what the test added. */
async function follow(id: string, lastEventId: string | null = null) {
  const leave = new AbortController()
  const told: string[] = []
  let cursor = ''
  const items = await streamFeed(
    { ...world.ctx, changes, signal: leave.signal, lastEventId },
    { params: { id } },
  )
  const ended = (async () => {
    for await (const item of items) {
      cursor = item.id
      const text = item.event === 'log' ? item.data.line : item.event === 'event' ? item.data.message : ''
      if (text.startsWith(MARK)) told.push(text.slice(MARK.length))
    }
  })()
  return {
    told,
    cursor: () => cursor,
    has: (text: string) => until(`${text} is told`, () => (told.includes(text) ? true : null)),
    async [Symbol.asyncDispose]() {
      leave.abort()
      await ended
    },
  }
}

/** How many connections wait for a lock. */
async function waiting(): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`.execute(world.ctx.db)
  return rows[0]?.count ?? 0
}

/** Holds whoever adds `first` between having its id and committing, until what this returns is called. */
async function holdFirst(
  table: 'log_lines' | 'events',
  column: 'line' | 'message',
): Promise<() => Promise<void>> {
  const { db } = world.ctx
  const gate = await db.startTransaction().execute()
  await sql`select pg_advisory_xact_lock(42)`.execute(gate)
  await sql`
    create or replace function hold() returns trigger language plpgsql as $$
    begin perform pg_advisory_xact_lock(42); return null; end $$`.execute(db)
  await sql`
    create trigger hold after insert on ${sql.table(table)} for each row
    when (new.${sql.ref(column)} = 'told: first') execute function hold()`.execute(db)
  return () => gate.commit().execute()
}

test.each([
  ['lines', 'log_lines', 'line'],
  ['events', 'events', 'message'],
] as const)(
  'a follower gets all %s once and in order though two replicas write at a time and the one that began first commits last',
  async (kind, table, column) => {
    const add = KINDS[kind]
    const { db } = world.ctx
    const id = await world.deploy()
    await using early = await follow(id)
    const release = await holdFirst(table, column)
    const adding = async (text: string) => db.transaction().execute((tx) => add(tx, id, text))
    const first = adding('first')
    await until('the first one has its id', async () => ((await waiting()) === 1 ? true : null))
    let isSecondIn = false
    const second = adding('second').finally(() => {
      isSecondIn = true
    })
    await until('the second one waits, or is in', async () =>
      isSecondIn || (await waiting()) === 2 ? true : null,
    )
    if (isSecondIn) await early.has('second')
    await release()
    await Promise.all([first, second])
    await early.has('second')
    await using late = await follow(id, early.cursor())
    await add(db, id, 'third')
    await early.has('third')
    await late.has('third')
    expect(early.told).toEqual(['first', 'second', 'third'])
    expect(late.told).toEqual(['third'])
  },
)

test('lines of other deployments are not waited for, and batches of the same ones in another order do not block each other', async () => {
  const { db } = world.ctx
  const [one, two] = [await world.deploy(), await world.deploy()]
  const first = await db.startTransaction().execute()
  await queries.insertLogLines(first, [lineOf(one, 'held')])
  await queries.insertLogLines(db, [lineOf(two, 'free')])
  await first.commit().execute()
  await using follower = await follow(one)
  await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      const lines = [lineOf(one, `${index}`), lineOf(two, `${index}`)]
      await queries.insertLogLines(db, index % 2 === 0 ? lines : lines.toReversed())
    }),
  )
  await until('all are told', () => (follower.told.length >= 41 ? true : null))
  expect(new Set(follower.told).size).toBe(41)
  expect(follower.told).toHaveLength(41)
})
