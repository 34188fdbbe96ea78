import { expect, test } from 'vitest'
import { MOST_SETS } from './capability-set.ts'
import type { JsonObject } from './manifest.ts'
import { createToolDoor, knownTools, toolSheet, type KnownTools } from './tool-door.ts'
import { hashOfTool, type ToolPinning, type ToolPins } from './tool-pins.ts'
import type { ToolSettings } from './tool-rules.ts'

const A = { name: 'a', description: 'one' }
const CHANGED = { name: 'a', description: 'two' }
const NEW = { name: 'b' }

function known(
  pins: ToolPins | null,
  pinning: ToolPinning = 'changed',
  releaseId = 'rel_1',
  settings: ToolSettings = {},
): KnownTools {
  return knownTools({ settings, pinning, stopped: {}, releaseId, pins })
}

function setUp(first: KnownTools) {
  const listeners = new Set<() => void>()
  const reported: JsonObject[][] = []
  let current = first
  const source = {
    current: () => current,
    onChange(listener: () => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
  const recorded: string[] = []
  const door = createToolDoor(source, 'rel_1', {
    report: (tools) => void reported.push([...tools]),
    record: (set) => void recorded.push(set),
  })
  const put = (next: KnownTools): void => {
    current = next
    for (const listener of listeners) listener()
  }
  return { put, reported, recorded, door }
}

const pinned = (...tools: (JsonObject & { readonly name: string })[]): ToolPins =>
  Object.fromEntries(tools.map((tool) => [tool.name, [hashOfTool(tool)]]))

test('a list that is as approved reports nothing and makes no rules', () => {
  const { door, reported } = setUp(known(pinned(A)))
  door.saw([{ description: 'one', name: 'a' }])
  expect([door.rules, reported]).toEqual([null, []])
})

test('a changed definition stops its tool at once, before anything is written, until it is approved', () => {
  const { put, door, reported } = setUp(known(pinned(A)))
  door.saw([CHANGED])
  expect(door.rules?.show([CHANGED, NEW])).toEqual([NEW])
  expect(door.rules?.enter('a')).toMatchObject({ code: 'tool_blocked' })
  expect(reported).toEqual([[CHANGED]])
  put(known({ a: [hashOfTool(A), hashOfTool(CHANGED)] }))
  expect(door.rules).toBeNull()
})

test('a new tool is reported, and stopped only where pinning is strict', () => {
  const { door, reported } = setUp(known(pinned(A)))
  door.saw([A, NEW])
  expect(reported).toEqual([[NEW]])
  expect(door.rules).toBeNull()
  const strict = setUp(known(pinned(A), 'strict'))
  strict.door.saw([A, NEW])
  expect(strict.door.rules?.enter('b')).toMatchObject({ code: 'tool_blocked' })
})

test('what a process of another release lists says nothing about the live one', () => {
  const { door, reported } = setUp(known(pinned(A), 'strict', 'rel_2'))
  door.saw([CHANGED, NEW])
  expect([door.rules, reported]).toEqual([null, []])
})

test('a release from before there were pins has its list reported, so that it gets some', () => {
  const { door, reported } = setUp(known(null))
  door.saw([A])
  expect([door.rules, reported]).toEqual([null, [[A]]])
})

test('listeners hear of a change of the rules, and of nothing else', () => {
  const { put, door } = setUp(known(pinned(A)))
  let heard = 0
  const unwatch = door.onChange(() => heard++)
  put(known(pinned(A)))
  expect(heard).toBe(0)
  put(known(pinned(A), 'changed', 'rel_1', { a: { disabled: true } }))
  expect(heard).toBe(1)
  unwatch()
  put(known(pinned(A)))
  expect(heard).toBe(1)
})

test('what is known travels as data and is the same at the other end', () => {
  const here = known(pinned(A), 'strict', 'rel_1', { a: { name: 'z' }, ['__proto__']: { disabled: true } })
  const there = knownTools(JSON.parse(JSON.stringify(toolSheet(here))) as ReturnType<typeof toolSheet>)
  expect([there.pinning, there.releaseId, there.pins]).toEqual([here.pinning, here.releaseId, here.pins])
  expect(there.rules?.version).toBe(here.rules?.version)
  expect(there.rules?.enter('__proto__')).toMatchObject({ code: 'tool_disabled' })
})

const WITH = (...tools: JsonObject[]) => ({
  capabilities: {},
  instructions: null,
  tools,
  resources: [],
  resourceTemplates: [],
  prompts: [],
})

test('what clients with capabilities are offered is approved the first time it is seen, and stopped when it changes', () => {
  const { door, reported, recorded } = setUp(known(pinned(A)))
  expect([door.knows(''), door.knows('sampling')]).toEqual([true, false])
  door.offered('sampling', WITH(CHANGED, NEW))
  expect(door.knows('sampling')).toBe(true)
  door.saw([A])
  door.saw([CHANGED, NEW])
  expect([door.rules, reported, recorded]).toEqual([null, [], ['sampling']])
  const turned = { name: 'b', description: 'turned' }
  door.saw([CHANGED, turned])
  expect(door.rules?.show([CHANGED, turned])).toEqual([CHANGED])
  expect(reported).toEqual([[turned]])
})

test('what was seen to change for everybody is not approved with the first list of other clients', () => {
  const { door } = setUp(known(pinned(A)))
  door.saw([CHANGED])
  door.offered('sampling', WITH(CHANGED, NEW))
  expect(door.rules?.show([CHANGED, NEW])).toEqual([NEW])
})

test('where pinning is strict nothing is approved by being seen', () => {
  const { door } = setUp(known(pinned(A), 'strict'))
  door.offered('sampling', WITH(A, NEW))
  expect(door.rules?.show([A, NEW])).toEqual([A])
})

test('what is offered is told when it is another, and not each time that it is looked at', () => {
  const { door, recorded } = setUp(known(pinned(A)))
  for (const tools of [[A], [A], [A, NEW]]) door.offered('sampling', WITH(...tools))
  expect(recorded).toEqual(['sampling', 'sampling'])
})

test('of more sets than are kept, and of what is too long to keep, nothing is approved', () => {
  const { door, recorded } = setUp(known(pinned(A)))
  const long = { name: 'long', description: 'x'.repeat(1024 * 1024) }
  door.offered('roots', WITH(A, long))
  for (let i = 0; i < MOST_SETS; i++) door.offered(`experimental.${i}`, WITH(A))
  door.offered('sampling', WITH(CHANGED))
  expect(recorded).toHaveLength(MOST_SETS)
  expect(door.rules?.enter('a')).toMatchObject({ code: 'tool_blocked' })
})

test('what was recorded elsewhere is known, also by a bridge that is told it as data', () => {
  const sheet = toolSheet(knownTools({ ...toolSheet(known(pinned(A))), sets: { sampling: false } }))
  const { door } = setUp(knownTools(sheet))
  expect(door.knows('sampling')).toBe(true)
  door.offered('sampling', WITH(CHANGED))
  expect(door.rules?.enter('a')).toMatchObject({ code: 'tool_blocked' })
  const { sets: _, ...earlier } = sheet
  expect(setUp(knownTools(earlier)).door.knows('sampling')).toBe(false)
})
