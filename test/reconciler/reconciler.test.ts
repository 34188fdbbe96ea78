import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { queries } from '../../src/db/index.ts'
import { CatwalkError } from '../../src/domain/index.ts'
import {
  deleteDeployment,
  getDeployment,
  listEvents,
  listLogs,
  restartDeployment,
  startDeployment,
  stopDeployment,
} from '../../src/services/index.ts'
import { MANIFEST, untilAborted } from '../fakes/runtime.ts'
import { until } from '../support/until.ts'
import { createWorld, type World } from './world.ts'

let world: World

beforeEach(async () => {
  world = await createWorld()
})
afterEach(async () => {
  await world[Symbol.asyncDispose]()
})

const becomes = (id: string, state: string): Promise<true> =>
  until(`${id} is ${state}`, async () => ((await world.state(id)) === state ? true : null))

const events = async (id: string) =>
  (await listEvents(world.ctx, { params: { id }, query: { limit: 1000 } })).items

test('a deployment is installed, started, probed and then runs, and its events tell so in order', async () => {
  await using node = await world.startNode()
  const id = await world.deploy({ API_TOKEN: 'a-secret-value' })
  await becomes(id, 'running')
  const states = (await events(id))
    .filter(({ kind }) => kind === 'release.state')
    .map(({ data }) => data['state'])
  expect(states).toEqual(['installing', 'starting', 'probing', 'live'])
  const [instance] = node.runtime.started
  expect(instance?.input.credentials.get('API_TOKEN')?.reveal()).toBe('a-secret-value')
  // The database knows of it a moment before the node does, so a call waits for it.
  expect(await node.instances.wake(id, AbortSignal.timeout(5000))).toBe(instance?.endpoint)
  expect((await getDeployment(world.ctx, { params: { id } })).toolCount).toBe(MANIFEST.tools.length)
})

test('a release that fails keeps its error code, its exit code and its last output, without secrets', async () => {
  await using node = await world.startNode()
  node.runtime.onProbe = async (instance) => {
    instance.input.output('stderr', 'token a-secret-value was refused')
    instance.input.output('stderr', 'Error: ACME_REGION environment variable is required')
    instance.die({ reason: 'exited', exitCode: 3, signal: null })
    throw new CatwalkError('server_exited', 'The server ended with exit code 3.')
  }
  const id = await world.deploy({ API_TOKEN: 'a-secret-value' })
  await becomes(id, 'failed')
  const { release, createdAt, updatedAt } = await getDeployment(world.ctx, { params: { id } })
  // The failure is the last change that is shown.
  expect(Date.parse(updatedAt)).toBeGreaterThan(Date.parse(createdAt))
  expect(release.error).toMatchObject({
    error: 'missing_variable',
    exitCode: 3,
    message: 'The server ended because ACME_REGION has no value.',
  })
  expect(release.error?.lastLines.map(({ line }) => line)).toContain('token [redacted API_TOKEN] was refused')
  const logs = await listLogs(world.ctx, { params: { id }, query: { limit: 100 } })
  expect(JSON.stringify(logs)).not.toContain('a-secret-value')
})

test('starting a failed deployment makes a new release with the same settings', async () => {
  await using node = await world.startNode()
  node.runtime.onPrepare = async () => {
    throw new CatwalkError('install_failed', 'No.')
  }
  const id = await world.deploy()
  await becomes(id, 'failed')
  node.runtime.onPrepare = async () => {}
  await startDeployment(world.ctx, { params: { id } })
  await becomes(id, 'running')
  expect((await getDeployment(world.ctx, { params: { id } })).release.number).toBe(2)
})

test('a deployment stopped while it is installed runs nothing, and goes on when it is started', async () => {
  await using node = await world.startNode()
  const installing = Promise.withResolvers<void>()
  node.runtime.onPrepare = (signal) => {
    installing.resolve()
    return untilAborted(signal)
  }
  const id = await world.deploy()
  await installing.promise
  await stopDeployment(world.ctx, { params: { id } })
  await until('the work has ended', async () => {
    const row = await world.database.kysely
      .selectFrom('deployments')
      .select('lease_holder')
      .where('id', '=', id)
      .executeTakeFirst()
    return row?.lease_holder === null ? true : null
  })
  expect(node.runtime.started).toHaveLength(0)
  node.runtime.onPrepare = async () => {}
  await startDeployment(world.ctx, { params: { id } })
  await becomes(id, 'running')
})

test('an instance that dies is replaced, and its end is recorded with exit code', async () => {
  await using node = await world.startNode()
  const id = await world.deploy()
  await becomes(id, 'running')
  const [first] = node.runtime.started
  first?.die({ reason: 'exited', exitCode: 7, signal: null })
  await until('a second instance', () => (node.runtime.started.length === 2 ? true : null))
  await becomes(id, 'running')
  const end = (await events(id)).find(({ kind }) => kind === 'instance.ended')
  expect(end).toMatchObject({ message: 'It ended with exit code 7.', data: { exitCode: 7, failures: 1 } })
})

test('a live release that cannot be started again says why, without secrets, and is tried again', async () => {
  await using node = await world.startNode()
  const id = await world.deploy({ API_TOKEN: 'a-secret-value' })
  await becomes(id, 'running')
  node.runtime.onCheck = async () => {
    throw new CatwalkError('server_refused', 'No access with a-secret-value.')
  }
  node.runtime.started[0]?.die({ reason: 'exited', exitCode: 1, signal: null })
  await becomes(id, 'unhealthy')
  const { stateReason } = await until('the reason', async () => {
    const now = await getDeployment(world.ctx, { params: { id } })
    return now.stateReason?.startsWith('It could not') === true ? now : null
  })
  expect(stateReason).toBe('It could not be started: No access with [redacted API_TOKEN].')
  node.runtime.onCheck = async () => {}
  await becomes(id, 'running')
})

test('a restart ends the old instance only after the new one answers', async () => {
  await using node = await world.startNode()
  const id = await world.deploy()
  await becomes(id, 'running')
  const [first] = node.runtime.started
  const probing = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<void>()
  node.runtime.onCheck = async (instance) => {
    if (instance === first) return
    probing.resolve()
    await answer.promise
  }
  await restartDeployment(world.ctx, { params: { id } })
  await probing.promise
  expect(node.instances.ready(id)).toBe(first?.endpoint)
  answer.resolve()
  expect(await first?.ended).toMatchObject({ reason: 'stopped' })
  expect(node.instances.ready(id)).toBe(node.runtime.started[1]?.endpoint)
})

test('a deleted deployment leaves no row and no files, and its credentials go first', async () => {
  await using node = await world.startNode()
  const id = await world.deploy({ API_TOKEN: 'a-secret-value' })
  await becomes(id, 'running')
  await deleteDeployment(world.ctx, { params: { id } })
  const db = world.database.kysely
  expect(await db.selectFrom('credentials').select('id').where('deployment_id', '=', id).execute()).toEqual(
    [],
  )
  await until('it is gone', async () => {
    const row = await db.selectFrom('deployments').select('id').where('id', '=', id).executeTakeFirst()
    return row === undefined ? true : null
  })
  expect(node.runtime.purged).toContain(id)
  for (const table of ['releases', 'events', 'log_lines', 'instances', 'endpoint_tokens'] as const) {
    expect(await db.selectFrom(table).select('id').where('deployment_id', '=', id).execute()).toEqual([])
  }
})

test('deployments that wait for a service elsewhere keep none of this machine waiting', async () => {
  const { kysely: db } = world.database
  const elsewhere = await Promise.all(Array.from({ length: 10 }, async () => world.deploy()))
  await db.updateTable('deployments').set({ runtime: 'fly' }).where('id', 'in', elsewhere).execute()
  await db
    .updateTable('releases')
    .set({ settings: sql`jsonb_set(settings, '{runtime}', '"fly"')` })
    .where('deployment_id', 'in', elsewhere)
    .execute()
  let waiting = 0
  await using node = await world.startNode(undefined, false, async (signal) => {
    waiting++
    await untilAborted(signal)
  })
  const here = await world.deploy()
  await becomes(here, 'running')
  expect(node.runtime.started).toHaveLength(1)
  await until('all of them wait', () => (waiting === elsewhere.length ? true : null))
})

test('of two nodes only one takes a deployment, and a late write of the one that lost it is refused', async () => {
  await using first = await world.startNode()
  const id = await world.deploy()
  await becomes(id, 'running')
  await using second = await world.startNode()
  expect(second.runtime.started).toHaveLength(0)
  const db = world.database.kysely
  const { lease_epoch: epoch } = await db
    .selectFrom('deployments')
    .select('lease_epoch')
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  // The first node does not renew in time, as if it had been suspended; the second takes over.
  await db
    .updateTable('deployments')
    .set({ lease_expires_at: new Date(0), keeps_data: false })
    .where('id', '=', id)
    .execute()
  await queries.announce(db, 'deployment', id)
  await until('another epoch', async () => {
    const row = await db
      .selectFrom('deployments')
      .select(['lease_epoch'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    return row.lease_epoch === epoch ? null : true
  })
  const late = { deploymentId: id, nodeId: first.id, epoch: Number(epoch) }
  await expect(db.transaction().execute((tx) => queries.fence(tx, late))).rejects.toThrow(queries.LeaseLost)
})

test('a node that starts again takes back at once what its former run held', async () => {
  const former = await world.startNode()
  const id = await world.deploy()
  await becomes(id, 'running')
  const db = world.database.kysely
  const before = await db
    .selectFrom('deployments')
    .select('lease_epoch')
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  await former[Symbol.asyncDispose]()
  // What kill -9 leaves behind: a lease that still stands.
  const expires = new Date(Date.now() + 60_000)
  await db
    .updateTable('deployments')
    .set({
      lease_holder: former.id,
      lease_expires_at: expires,
      lease_epoch: before.lease_epoch,
      next_at: null,
    })
    .where('id', '=', id)
    .execute()
  await using again = await world.startNode(former.id)
  await until('a new instance', () => (again.runtime.started.length > 0 ? true : null))
  expect(again.runtime.started[0]?.input.epoch).toBeGreaterThan(Number(before.lease_epoch))
})
