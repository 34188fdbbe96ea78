import { expect, test } from 'vitest'
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
  const door = createToolDoor(source, 'rel_1', (tools) => void reported.push([...tools]))
  const put = (next: KnownTools): void => {
    current = next
    for (const listener of listeners) listener()
  }
  return { put, reported, door }
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
