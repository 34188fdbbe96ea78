import { afterAll, beforeAll, expect, test } from 'vitest'
import { queries } from '../../src/db/index.ts'
import { systemClock } from '../../src/domain/index.ts'
import { createSessionMemories } from '../../src/services/index.ts'
import { createWorld, type World } from '../reconciler/world.ts'
import { silentLogger } from '../support/logger.ts'
import { until } from '../support/until.ts'

let world: World
const later = () => new Date(Date.now() + 60_000)
const NOTE = { level: 'error', subscriptions: ['a://1', 'b://2'] }

beforeAll(async () => {
  world = await createWorld()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

const memories = () =>
  createSessionMemories({ db: world.ctx.db, clock: systemClock, logger: silentLogger, delayMs: 5 })

test('an ended session is ended for the node that holds the deployment next, even without being told', async () => {
  const id = await world.deploy()
  await using first = memories()
  const memory = await first.open(id)
  expect(memory.isEnded('s1')).toBe(false)
  await memory.end('s1', later())
  expect(memory.isEnded('s1')).toBe(true)
  await using second = memories()
  expect((await second.open(id)).isEnded('s1')).toBe(true)
})

test('a node that holds the deployment already is told at once', async () => {
  const id = await world.deploy()
  await using first = memories()
  await using second = memories()
  const memory = await second.open(id)
  await using listening = new AsyncDisposableStack()
  listening.use(
    await world.database.listen(
      queries.CHANNEL,
      (payload) => {
        const change = queries.readAnnouncement(payload)
        if (change?.kind === 'session')
          second.heardEnd(change.deploymentId, change.sessionId, change.expiresAt)
      },
      () => undefined,
    ),
  )
  await (await first.open(id)).end('s1', later())
  const known = await until('the other node knows', () => (memory.isEnded('s1') ? true : null))
  expect(known).toBe(true)
})

test('what a client asked for is there on the next node, in its newest state', async () => {
  const id = await world.deploy()
  {
    await using first = memories()
    const memory = await first.open(id)
    void memory.keep('s1', { level: null, subscriptions: [] }, later())
    void memory.keep('s1', NOTE, later())
    // Before it is written as well.
    expect(await memory.recall('s1')).toEqual(NOTE)
  }
  await using second = memories()
  const memory = await second.open(id)
  expect(await memory.recall('s1')).toEqual(NOTE)
  expect(await memory.recall('s2')).toBeNull()
})

test('what a client asked for is written when it is acknowledged, however quickly it changes its mind', async () => {
  const id = await world.deploy()
  await using node = memories()
  const memory = await node.open(id)
  const first = memory.keep('s1', { level: null, subscriptions: [] }, later())
  await Promise.all([first, memory.keep('s1', NOTE, later())])
  expect(await queries.findMcpSession(world.ctx.db, id, 's1')).toEqual(NOTE)
})

test('nothing is kept of a session that was ended, nor of a deployment that is gone, nor past its expiry', async () => {
  const id = await world.deploy()
  await using node = memories()
  const memory = await node.open(id)
  const kept = memory.keep('s1', NOTE, later())
  await memory.end('s1', later())
  await kept
  await memory.keep('s1', NOTE, later())
  await memory.end('old', new Date(Date.now() - 1))
  const gone = await node.open('dep_gone')
  await gone.keep('s1', NOTE, later())
  await gone.end('s2', later())
  await queries.endMcpSession(world.ctx.db, id, 'expired', new Date(Date.now() - 1))
  await queries.deleteExpiredMcpSessions(world.ctx.db)
  await node[Symbol.asyncDispose]()
  const rows = await world.ctx.db
    .selectFrom('mcp_sessions')
    .selectAll()
    .where('deployment_id', '=', id)
    .execute()
  expect(rows).toMatchObject([{ id: 's1', ended: true, level: null, subscriptions: [] }])
})
