import { afterAll, beforeAll, expect, test } from 'vitest'
import { CatwalkError } from '../../src/domain/index.ts'
import {
  changeSettings,
  createRelease,
  getDeployment,
  listEvents,
  startDeployment,
  stopDeployment,
} from '../../src/services/index.ts'
import { MANIFEST } from '../fakes/runtime.ts'
import { until } from '../support/until.ts'
import { createWorld, type Node, type World } from './world.ts'

let world: World

beforeAll(async () => {
  world = await createWorld()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

const LONG_MS = 10_000_000
const patience = (): AbortSignal => AbortSignal.timeout(10_000)

const becomes = (id: string, state: string): Promise<true> =>
  until(`${id} is ${state}`, async () => ((await world.state(id)) === state ? true : null))

const kinds = async (id: string) =>
  (await listEvents(world.ctx, { params: { id }, query: { limit: 1000 } })).items.map(({ kind }) => kind)

async function running(node: Node): Promise<string> {
  const id = await world.deploy()
  await becomes(id, 'running')
  await node.instances.wake(id, patience())
  return id
}

/** Nobody has called it for long. */
async function asleep(node: Node): Promise<string> {
  const id = await running(node)
  const instance = node.runtime.started.at(-1)
  if (instance !== undefined) instance.idle = LONG_MS
  await becomes(id, 'sleeping')
  return id
}

test('a deployment that nobody calls falls asleep without an instance, and says so once', async () => {
  await using node = await world.startNode()
  const id = await asleep(node)
  expect(await node.runtime.started[0]?.ended).toMatchObject({ reason: 'stopped' })
  expect(node.instances.ready(id)).toBeUndefined()
  expect((await kinds(id)).filter((kind) => kind === 'instance.asleep')).toHaveLength(1)
  expect(await getDeployment(world.ctx, { params: { id } })).toMatchObject({ stateReason: null })
})

test('a deployment does not fall asleep while something is under way', async () => {
  await using node = await world.startNode()
  const id = await running(node)
  const [instance] = node.runtime.started
  let looks = 0
  Object.defineProperty(instance, 'idle', {
    configurable: true,
    get: () => {
      looks++
      return null
    },
  })
  await until('it was looked at', () => (looks > 3 ? true : null))
  expect(await world.state(id)).toBe('running')
})

test('an always-on deployment never falls asleep, and one that sleeps starts when it becomes so', async () => {
  await using node = await world.startNode()
  const id = await asleep(node)
  await changeSettings(world.ctx, { params: { id }, body: { alwaysOn: true } })
  await becomes(id, 'running')
  const instance = node.runtime.started.at(-1)
  let looks = 0
  Object.defineProperty(instance, 'idle', {
    get: () => {
      looks++
      return LONG_MS
    },
  })
  await until('it was looked at', () => (looks > 3 ? true : null))
  expect(await world.state(id)).toBe('running')
})

test('a deployment falls asleep after its own time when it has one', async () => {
  await using node = await world.startNode()
  const id = await running(node)
  const [instance] = node.runtime.started
  if (instance !== undefined) instance.idle = 5000
  await changeSettings(world.ctx, { params: { id }, body: { idleTimeoutS: 5 } })
  await becomes(id, 'sleeping')
  expect(node.instances.ready(id)).toBeUndefined()
})

test('a hundred first calls at once start one instance, and all get it', async () => {
  await using node = await world.startNode()
  const id = await asleep(node)
  const calls = Array.from({ length: 100 }, () => node.instances.wake(id, patience()))
  const endpoints = new Set(await Promise.all(calls))
  expect(node.runtime.started).toHaveLength(2)
  expect([...endpoints]).toEqual([node.runtime.started[1]?.endpoint])
  await becomes(id, 'running')
})

test('when the server does not start, every call that waits is told so, and it is tried again', async () => {
  await using node = await world.startNode()
  const id = await asleep(node)
  node.runtime.onCheck = async (instance) => {
    instance.die({ reason: 'exited', exitCode: 1, signal: null })
    throw new CatwalkError('server_exited', 'The server ended with exit code 1.')
  }
  const calls = Array.from({ length: 20 }, () => node.instances.wake(id, patience()))
  const outcomes = await Promise.allSettled(calls)
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'wake_failed' } })
  }
  node.runtime.onCheck = async () => {}
  await becomes(id, 'running')
})

test('a call that comes while a deployment falls asleep wakes it again', async () => {
  await using node = await world.startNode()
  const id = await running(node)
  const [first] = node.runtime.started
  if (first === undefined) return
  const stopping = Promise.withResolvers<void>()
  const stop = first.stop.bind(first)
  Object.assign(first, {
    stop: async () => {
      stopping.resolve()
      await stop(0)
    },
  })
  first.idle = LONG_MS
  await stopping.promise
  expect(await node.instances.wake(id, patience())).toBe(node.runtime.started[1]?.endpoint)
})

test('a deployment that sleeps can be stopped, started, and updated', async () => {
  await using node = await world.startNode()
  const id = await asleep(node)
  await stopDeployment(world.ctx, { params: { id } })
  await becomes(id, 'stopped')
  await startDeployment(world.ctx, { params: { id } })
  await becomes(id, 'running')
  const instance = node.runtime.started.at(-1)
  if (instance !== undefined) instance.idle = LONG_MS
  await becomes(id, 'sleeping')
  await createRelease(world.ctx, { params: { id }, body: { variables: {}, memoryMiB: 512 } })
  await until('release 2', async () => {
    const { liveRelease } = await getDeployment(world.ctx, { params: { id } })
    return liveRelease === 2 ? true : null
  })
  await becomes(id, 'running')
  expect(node.runtime.started.map(({ input }) => input.settings.memoryMiB)).toEqual([256, 256, 512])
})

test('what sleeps goes on sleeping after a restart, and what ran starts when it is called', async () => {
  const former = await world.startNode()
  const first = await asleep(former)
  const second = await running(former)
  await former[Symbol.asyncDispose]()
  await using again = await world.startNode(former.id, true)
  await becomes(second, 'sleeping')
  expect(await world.state(first)).toBe('sleeping')
  await Promise.all([first, second].map((id) => again.instances.wake(id, patience())))
  expect(again.runtime.started).toHaveLength(2)
})

test('what another node may not run is woken on the node that has its data', async () => {
  await using home = await world.startNode()
  const id = await asleep(home)
  await using other = await world.startNode()
  const waits = other.instances.wake(id, patience()).catch(() => null)
  await becomes(id, 'running')
  expect(home.instances.ready(id)).toBeDefined()
  expect(other.runtime.started).toHaveLength(0)
  await other[Symbol.asyncDispose]()
  void waits
})

test('an instance that gives no sign of life is unhealthy and replaced', async () => {
  await using node = await world.startNode()
  const id = await running(node)
  const [first] = node.runtime.started
  if (first !== undefined) first.idle = 1
  node.runtime.onCheck = async (instance) => {
    if (instance === first)
      throw new CatwalkError('server_silent', 'The server did not answer "ping" in time.')
  }
  await until('a second instance', () => (node.runtime.started.length === 2 ? true : null))
  expect(await first?.ended).toMatchObject({ reason: 'stopped' })
  await becomes(id, 'running')
  expect(await kinds(id)).toContain('instance.ended')
})

test('an instance that is too busy to answer is shown as unhealthy, keeps its calls, and recovers', async () => {
  await using node = await world.startNode()
  const id = await running(node)
  const [first] = node.runtime.started
  if (first !== undefined) first.idle = null
  node.runtime.onCheck = async () => {
    throw new CatwalkError('server_silent', 'The server did not answer "ping" in time.')
  }
  await becomes(id, 'unhealthy')
  expect((await getDeployment(world.ctx, { params: { id } })).stateReason).toBe(
    'It does not answer its health check.',
  )
  expect(node.instances.ready(id)).toBe(first?.endpoint)
  node.runtime.onCheck = async () => {}
  await becomes(id, 'running')
  expect(node.runtime.started).toHaveLength(1)
})

test('a server that keeps ending is given up with the reason, until its owner starts it again', async () => {
  await using node = await world.startNode()
  const id = await running(node)
  await world.database.kysely.updateTable('deployments').set({ failures: 9 }).where('id', '=', id).execute()
  node.runtime.started[0]?.die({ reason: 'exited', exitCode: 7, signal: null })
  await becomes(id, 'failed')
  expect((await getDeployment(world.ctx, { params: { id } })).stateReason).toBe(
    'It is not started again after it ended or did not come up 10 times in a row. It ended with exit code 7.',
  )
  expect(node.runtime.started).toHaveLength(1)
  node.runtime.onProbe = async () => MANIFEST
  await startDeployment(world.ctx, { params: { id } })
  await becomes(id, 'running')
})
