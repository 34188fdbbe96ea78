import { afterAll, beforeAll, expect, test } from 'vitest'
import { queries } from '../../src/db/index.ts'
import { newId } from '../../src/domain/index.ts'
import { changeQuotas, createRelease, getQuotas, type ServiceContext } from '../../src/services/index.ts'
import { createWorld, type World } from '../reconciler/world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

const change = (body: Parameters<typeof changeQuotas>[1]['body']) =>
  changeQuotas(world.ctx, { params: { id: world.ctx.actor.workspaceId }, body })

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: unknown) => (error as { code?: string }).code,
  )

test('a workspace has no more deployments than it may, however many are made at once', async () => {
  const { deployments } = await getQuotas(world.ctx)
  await change({ deployments: (deployments.used ?? 0) + 2 })
  const made = await Promise.all(Array.from({ length: 5 }, () => code(world.deploy())))
  expect(made.filter((outcome) => outcome === 'done')).toHaveLength(2)
  expect(made.filter((outcome) => outcome === 'quota_exceeded')).toHaveLength(3)
  expect(await getQuotas(world.ctx)).toMatchObject({
    deployments: { limit: (deployments.used ?? 0) + 2, own: true, used: (deployments.used ?? 0) + 2 },
    callsPerMinute: { limit: null, own: false, used: null },
  })
  await change({ deployments: null })
  expect(await code(world.deploy())).toBe('done')
})

test('memory counts in all, of new deployments and of new releases, and less is always allowed', async () => {
  const id = await world.deploy()
  const { memoryMiB } = await getQuotas(world.ctx)
  const used = memoryMiB.used ?? 0
  await change({ memoryMiB: used + 100 })
  await expect(world.deploy()).rejects.toMatchObject({
    code: 'quota_exceeded',
    details: { quota: 'memoryMiB', limit: used + 100, used },
  })
  const release = (mib: number) => {
    const body = { variables: {}, memoryMiB: mib } as Parameters<typeof createRelease>[1]['body']
    return code(createRelease(world.ctx, { params: { id }, body }))
  }
  const { settings } = await queries.newestRelease(world.ctx.db, id)
  expect(await release(settings.memoryMiB + 101)).toBe('quota_exceeded')
  expect(await release(settings.memoryMiB + 100)).toBe('done')
  await change({ memoryMiB: 64 })
  expect(await release(settings.memoryMiB + 101)).toBe('quota_exceeded')
  expect(await release(settings.memoryMiB - 10)).toBe('done')
  await change({ memoryMiB: 0 })
  expect((await getQuotas(world.ctx)).memoryMiB.limit).toBeNull()
  expect(await release(4096)).toBe('done')
})

test('what the installation allows every workspace counts until the workspace has its own', async () => {
  const ctx: ServiceContext = { ...world.ctx, quotas: { ...world.ctx.quotas, callsPerMinute: 600 } }
  expect((await getQuotas(ctx)).callsPerMinute).toEqual({ limit: 600, own: false, used: null })
  await change({ callsPerMinute: 60 })
  expect((await getQuotas(ctx)).callsPerMinute).toEqual({ limit: 60, own: true, used: null })
  const [route] = await queries.loadRoutes(ctx.db, await world.deploy())
  expect(route).toMatchObject({ calls_per_minute: 60, concurrent_calls: null })
})

test('a workspace that does not exist has no quotas to set', async () => {
  const params = { id: newId('workspace') }
  expect(await code(changeQuotas(world.ctx, { params, body: { deployments: 1 } }))).toBe(
    'workspace_not_found',
  )
})
