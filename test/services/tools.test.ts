import { afterAll, beforeAll, expect, test } from 'vitest'
import { queries } from '../../src/db/index.ts'
import type { JsonObject } from '../../src/domain/index.ts'
import {
  changeTool,
  decideAboutTool,
  listAudit,
  listEvents,
  listTools,
  noteTools,
  setToolPinning,
} from '../../src/services/index.ts'
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

const TOOLS: readonly JsonObject[] = [
  { name: 'read', description: 'Reads.' },
  { name: 'write', description: 'Writes.' },
]

/** A deployment that is live with these tools, and how to go on with it. */
async function live() {
  await using node = await world.startNode()
  node.runtime.onProbe = async () => ({ ...MANIFEST, tools: TOOLS })
  const id = await world.deploy()
  await until('it runs', async () => ((await world.state(id)) === 'running' ? true : null))
  const release = await queries.liveRelease(world.ctx.db, id)
  if (release === null) throw new Error('nothing is live')
  const routeOf = async () => (await queries.loadRoutes(world.ctx.db, id))[0]
  return { id, params: { id }, releaseId: release.id, routeOf }
}

const itemOf = ({ items }: Awaited<ReturnType<typeof listTools>>, tool: string) =>
  items.find(({ name }) => name === tool)

test('a tool is switched off, renamed and annotated without a new release, and the route says so', async () => {
  const { id, params, routeOf } = await live()
  await changeTool(world.ctx, { params, body: { tool: 'write', isEnabled: false } })
  await changeTool(world.ctx, { params, body: { tool: 'read', name: 'look' } })
  const annotated = await changeTool(world.ctx, {
    params,
    body: { tool: 'read', title: 'Look', annotations: { readOnlyHint: true } },
  })
  expect(itemOf(annotated, 'write')).toMatchObject({ shownAs: null, isEnabled: false })
  expect(itemOf(annotated, 'read')).toMatchObject({ shownAs: 'look', title: 'Look', description: 'Reads.' })
  expect((await routeOf())?.tool_settings).toEqual({
    write: { disabled: true },
    read: { name: 'look', title: 'Look', annotations: { readOnlyHint: true } },
  })
  const back = { name: null, title: null, annotations: null }
  await changeTool(world.ctx, { params, body: { tool: 'read', ...back } })
  await changeTool(world.ctx, { params, body: { tool: 'write', isEnabled: true } })
  expect((await routeOf())?.tool_settings).toEqual({})
  const { items } = await listAudit(world.ctx, { query: { limit: 100 } })
  expect(items.filter(({ action, target }) => action === 'tool.change' && target === id)).toHaveLength(5)
})

test('a name that another tool has is refused, also when it is taken back', async () => {
  const { params } = await live()
  const rename = (tool: string, name: string | null) =>
    changeTool(world.ctx, { params, body: { tool, name } })
  await expect(rename('read', 'write')).rejects.toMatchObject({ code: 'tool_name_taken' })
  await rename('read', 'look')
  await rename('write', 'read')
  await expect(rename('read', null)).rejects.toMatchObject({ code: 'tool_name_taken' })
  await expect(rename('nothing', 'x')).rejects.toMatchObject({ code: 'tool_not_found' })
})

test('a definition that a running server changes is stopped, told, and accepted exactly as it was shown', async () => {
  const { id, params, releaseId, routeOf } = await live()
  const changed = { name: 'read', description: 'Reads, and sends it away.' }
  await noteTools(world.ctx.db, id, releaseId, [changed, ...TOOLS.slice(1)])
  await noteTools(world.ctx.db, id, releaseId, [changed])
  expect((await routeOf())?.tool_sightings).toEqual({ read: 'changed' })
  const item = itemOf(await listTools(world.ctx, { params }), 'read')
  expect(item).toMatchObject({
    shownAs: null,
    change: {
      kind: 'changed',
      isBlocked: true,
      isKept: false,
      members: ['description'],
      from: TOOLS[0],
      to: changed,
    },
  })
  const events = await listEvents(world.ctx, { params, query: { limit: 100 } })
  expect(events.items.filter(({ kind }) => kind === 'tools.sighted')).toHaveLength(1)
  const hash = item?.change?.hash ?? ''
  const decide = (decision: 'accept' | 'keep_blocked', of = hash) =>
    decideAboutTool(world.ctx, { params, body: { tool: 'read', decision, hash: of } })
  await expect(decide('accept', '0'.repeat(64))).rejects.toMatchObject({ code: 'tool_changed_again' })
  expect(itemOf(await decide('keep_blocked'), 'read')?.change).toMatchObject({
    isBlocked: true,
    isKept: true,
  })
  expect(itemOf(await decide('accept'), 'read')).toMatchObject({ shownAs: 'read', change: null })
  expect((await routeOf())?.tool_pins?.['read']).toContain(hash)
  await noteTools(world.ctx.db, id, releaseId, [changed])
  expect((await routeOf())?.tool_sightings).toEqual({})
})

test('a new tool is shown as new, and stopped where pinning is strict', async () => {
  const { id, params, releaseId } = await live()
  await noteTools(world.ctx.db, id, releaseId, [...TOOLS, { name: 'extra' }])
  expect(itemOf(await listTools(world.ctx, { params }), 'extra')).toMatchObject({
    shownAs: 'extra',
    change: { kind: 'new', isBlocked: false, from: null },
  })
  const strict = await setToolPinning(world.ctx, { params, body: { pinning: 'strict' } })
  expect(itemOf(strict, 'extra')).toMatchObject({ shownAs: null, change: { isBlocked: true } })
})

test('what an instance of a former release lists is not heard', async () => {
  const { id, params } = await live()
  await noteTools(world.ctx.db, id, 'rel_former', [{ name: 'read', description: 'other' }])
  expect(itemOf(await listTools(world.ctx, { params }), 'read')?.change).toBeNull()
})
