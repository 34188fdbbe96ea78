import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JsonObject } from './manifest.ts'
import { differences, hashOfTool, isStopped, pinsOf } from './tool-pins.ts'

/** The same value with the members of every object the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, member]) => [name, reversed(member)]),
  )
}

test('the order in which a server writes a definition does not matter, anything else does', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), (members, description) => {
      // What JSON can hold, as it comes out of a message.
      const tool = JSON.parse(JSON.stringify({ ...members, name: 'a' })) as JsonObject
      expect(hashOfTool(reversed(tool) as JsonObject)).toBe(hashOfTool(tool))
      fc.pre(tool['description'] !== description)
      expect(hashOfTool({ ...tool, description })).not.toBe(hashOfTool(tool))
    }),
  )
})

test('the order of a list in a definition does matter', () => {
  const [one, other] = [
    ['x', 'y'],
    ['y', 'x'],
  ].map((required) => hashOfTool({ name: 'a', inputSchema: { required } }))
  expect(one).not.toBe(other)
})

test('what differs is told apart into changed and new, whatever the tools are called', () => {
  const tools = ['a', 'constructor', '__proto__'].map((name) => ({ name, description: 'd' }))
  const pins = new Map(Object.entries(pinsOf(tools)))
  expect(differences(pins, tools)).toEqual([])
  const now = [
    { name: 'a', description: 'D' },
    { name: 'toString' },
    { name: 'constructor', description: 'd' },
  ]
  expect(differences(pins, now).map(({ name, kind }) => [name, kind])).toEqual([
    ['a', 'changed'],
    ['toString', 'new'],
  ])
})

test('a changed tool is stopped unless pinning is off, a new one only when it is strict', () => {
  expect((['off', 'changed', 'strict'] as const).map((mode) => isStopped('changed', mode))).toEqual([
    false,
    true,
    true,
  ])
  expect((['off', 'changed', 'strict'] as const).map((mode) => isStopped('new', mode))).toEqual([
    false,
    false,
    true,
  ])
})
