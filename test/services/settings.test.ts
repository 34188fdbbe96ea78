import { afterAll, beforeAll, expect, test } from 'vitest'
import { queries } from '../../src/db/index.ts'
import { changeSettings, getSettings } from '../../src/services/index.ts'
import { MANIFEST } from '../fakes/runtime.ts'
import { createWorld, type World } from '../reconciler/world.ts'
import { until } from '../support/until.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

const DEFAULTS = {
  access: 'token',
  allowedOrigins: [],
  processes: 'auto',
  stateful: false,
  keepsData: true,
  alwaysOn: false,
  idleTimeoutS: null,
}

test('settings change one by one, and allowed origins reach the gateways', async () => {
  const id = await world.deploy()
  const params = { id }
  expect(await getSettings(world.ctx, { params })).toEqual(DEFAULTS)
  await changeSettings(world.ctx, { params, body: { allowedOrigins: ['https://app.example'] } })
  const changed = await changeSettings(world.ctx, { params, body: { keepsData: false } })
  expect(changed).toEqual({ ...DEFAULTS, allowedOrigins: ['https://app.example'], keepsData: false })
  expect(await getSettings(world.ctx, { params })).toEqual(changed)
  const [route] = await queries.loadRoutes(world.ctx.db, id)
  expect(route?.allowed_origins).toEqual(['https://app.example'])
})

test('another process policy replaces the instance, which is started with what its probe found out', async () => {
  await using node = await world.startNode()
  node.runtime.onProbe = async () => ({ ...MANIFEST, era: 'dual' })
  const id = await world.deploy()
  const startsOf = () => node.runtime.started.filter(({ input }) => input.deploymentId === id)
  await until('it runs', async () => ((await world.state(id)) === 'running' ? true : null))
  expect(startsOf()[0]?.input).toMatchObject({ processes: 'auto', era: null })
  await changeSettings(world.ctx, { params: { id }, body: { processes: 'per-session' } })
  const second = await until('another one is started', () => startsOf()[1] ?? null)
  expect(second.input).toMatchObject({ processes: 'per-session', stateful: false, era: 'dual' })
  await changeSettings(world.ctx, { params: { id }, body: { stateful: true } })
  const third = await until('one is started whose sessions end with it', () => startsOf()[2] ?? null)
  expect(third.input).toMatchObject({ processes: 'per-session', stateful: true })
})
