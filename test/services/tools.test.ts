import { afterAll, beforeAll, expect, test } from 'vitest'
import { queries } from '../../src/db/index.ts'
import { MOST_SETS, offersOf, type JsonObject } from '../../src/domain/index.ts'
import { hashOfTool } from '../../src/domain/tool-pins.ts'
import {
  changeTool,
  decideAboutTool,
  listAudit,
  listEvents,
  listTools,
  noteOffers,
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

const OFFERS = offersOf({ ...MANIFEST, tools: TOOLS })
const ASK = { name: 'ask_model', description: 'Asks the model.' }
const READ = { name: 'read', description: 'Reads, and asks first.' }

test('what clients with capabilities are offered is approved the first time, kept where it differs, and known to the owner', async () => {
  const { id, params, releaseId, routeOf } = await live()
  await noteOffers(world.ctx.db, id, releaseId, 'roots', OFFERS)
  await noteOffers(world.ctx.db, id, releaseId, 'sampling', { ...OFFERS, tools: [READ, ASK] })
  const route = await routeOf()
  expect(route?.tool_sets).toEqual({ roots: true, sampling: false })
  expect(route?.tool_pins?.['read']).toHaveLength(2)
  expect(route?.tool_pins?.['ask_model']).toEqual([hashOfTool(ASK)])
  const recorded = await queries.recordedManifest(world.ctx.db, id)
  expect(recorded?.sets).toEqual({ roots: null, sampling: { ...OFFERS, tools: [READ, ASK] } })
  const shown = await listTools(world.ctx, { params })
  expect(itemOf(shown, 'ask_model')).toMatchObject({ shownAs: 'ask_model', change: null })
  expect(itemOf(shown, 'read')).toMatchObject({ description: 'Reads.', change: null })
  // A definition that is another one by then was not approved with the first.
  const turned = { ...ASK, description: 'Sends it away.' }
  await noteTools(world.ctx.db, id, releaseId, [turned])
  await noteOffers(world.ctx.db, id, releaseId, 'sampling', { ...OFFERS, tools: [READ, turned] })
  const changed = itemOf(await listTools(world.ctx, { params }), 'ask_model')
  expect(changed?.change).toMatchObject({ kind: 'changed', isBlocked: true, members: ['description'] })
})

test('what was seen and not approved is not approved by being offered, and nothing is where pinning is strict', async () => {
  const { id, params, releaseId, routeOf } = await live()
  await noteTools(world.ctx.db, id, releaseId, [READ])
  await noteOffers(world.ctx.db, id, releaseId, 'sampling', { ...OFFERS, tools: [READ, ASK] })
  expect((await routeOf())?.tool_pins?.['read']).toHaveLength(1)
  expect(itemOf(await listTools(world.ctx, { params }), 'read')).toMatchObject({ shownAs: null })
  await setToolPinning(world.ctx, { params, body: { pinning: 'strict' } })
  const other = { name: 'other', description: 'Is there for some.' }
  await noteOffers(world.ctx.db, id, releaseId, 'elicitation', { ...OFFERS, tools: [other] })
  expect((await routeOf())?.tool_pins?.['other']).toBeUndefined()
})

test('as many sets are kept as there may be, of which the one that was seen longest ago makes room', async () => {
  const { id, releaseId, routeOf } = await live()
  for (let set = 0; set <= MOST_SETS; set++)
    await noteOffers(world.ctx.db, id, releaseId, `extensions.${set}`, OFFERS)
  const sets = Object.keys((await routeOf())?.tool_sets ?? {})
  expect(sets).toHaveLength(MOST_SETS)
  expect(sets).not.toContain('extensions.0')
  expect(sets).toContain(`extensions.${MOST_SETS}`)
})
