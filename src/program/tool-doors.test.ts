import { expect, test } from 'vitest'
import { createToolRules, hashOfTool, type JsonObject, type ToolPinning } from '../domain/index.ts'
import { createRouteTable, type GatewayRoute, type RouteTools } from '../gateway/index.ts'
import { createToolDoor } from './tool-doors.ts'

const A = { name: 'a', description: 'one' }
const CHANGED = { name: 'a', description: 'two' }
const NEW = { name: 'b' }

function routeWith(
  pins: RouteTools['pins'],
  pinning: ToolPinning = 'changed',
  releaseId = 'rel_1',
): GatewayRoute {
  const tools = { rules: createToolRules({}), settings: {}, pinning, stopped: {}, releaseId, pins }
  return { deploymentId: 'dep_1', workspaceId: 'ws_1', slug: 'a', state: 'open', tokens: new Map(), tools }
}

function setUp(route: GatewayRoute) {
  const routes = createRouteTable()
  routes.replaceAll([route])
  const reported: JsonObject[][] = []
  const report = (_deployment: string, _release: string, tools: readonly JsonObject[]) =>
    void reported.push([...tools])
  return { routes, reported, door: createToolDoor({ routes, report }, 'dep_1', 'rel_1') }
}

const pinned = (...tools: (JsonObject & { readonly name: string })[]) =>
  new Map(tools.map((tool) => [tool.name, [hashOfTool(tool)]]))

test('a list that is as approved reports nothing and makes no rules', () => {
  const { door, reported } = setUp(routeWith(pinned(A)))
  door.saw([{ description: 'one', name: 'a' }])
  expect([door.rules, reported]).toEqual([null, []])
})

test('a changed definition stops its tool at once, before anything is written, until it is approved', () => {
  const { routes, door, reported } = setUp(routeWith(pinned(A)))
  door.saw([CHANGED])
  expect(door.rules?.show([CHANGED, NEW])).toEqual([NEW])
  expect(door.rules?.enter('a')).toMatchObject({ code: 'tool_blocked' })
  expect(reported).toEqual([[CHANGED]])
  routes.put(routeWith(new Map([['a', [hashOfTool(A), hashOfTool(CHANGED)]]])))
  expect(door.rules).toBeNull()
})

test('a new tool is reported, and stopped only where pinning is strict', () => {
  const { door, reported } = setUp(routeWith(pinned(A)))
  door.saw([A, NEW])
  expect(reported).toEqual([[NEW]])
  expect(door.rules).toBeNull()
  const strict = setUp(routeWith(pinned(A), 'strict'))
  strict.door.saw([A, NEW])
  expect(strict.door.rules?.enter('b')).toMatchObject({ code: 'tool_blocked' })
})

test('what a process of another release lists says nothing about the live one', () => {
  const { door, reported } = setUp(routeWith(pinned(A), 'strict', 'rel_2'))
  door.saw([CHANGED, NEW])
  expect([door.rules, reported]).toEqual([null, []])
})

test('a release from before there were pins has its list reported, so that it gets some', () => {
  const { door, reported } = setUp(routeWith(null))
  door.saw([A])
  expect([door.rules, reported]).toEqual([null, [[A]]])
})

test('listeners hear of a change of the rules, and of nothing else', () => {
  const { routes, door } = setUp(routeWith(pinned(A)))
  let heard = 0
  const unwatch = door.onChange(() => heard++)
  routes.put(routeWith(pinned(A)))
  expect(heard).toBe(0)
  const settings = { a: { disabled: true as const } }
  const route = routeWith(pinned(A))
  if (route.tools === undefined) throw new Error('no tools')
  routes.put({ ...route, tools: { ...route.tools, settings, rules: createToolRules(settings) } })
  expect(heard).toBe(1)
  unwatch()
  routes.put(routeWith(pinned(A)))
  expect(heard).toBe(1)
})
