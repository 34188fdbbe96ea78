import { expect, test } from 'vitest'
import { CatwalkError } from './errors.ts'
import { createToolRules, type ToolRules } from './tool-rules.ts'

const codeOf = (rules: ToolRules | null, name: string): string | undefined => {
  const entered = rules?.enter(name)
  return entered instanceof CatwalkError ? entered.code : entered
}
const names = (rules: ToolRules | null, ...own: string[]) =>
  rules?.show(own.map((name) => ({ name }))).map(({ name }) => name)

test('nothing set and nothing stopped is no rules at all', () => {
  expect(createToolRules({})).toBeNull()
})

test('a tool that is switched off or stopped is neither listed nor entered, under any of its names', () => {
  const rules = createToolRules({ a: { disabled: true, name: 'z' } }, { b: 'changed', c: 'new' })
  expect(names(rules, 'a', 'b', 'c', 'd')).toEqual(['d'])
  expect(['a', 'z', 'b', 'c', 'd'].map((name) => codeOf(rules, name))).toEqual([
    'tool_disabled',
    'tool_disabled',
    'tool_blocked',
    'tool_blocked',
    'd',
  ])
})

test('a renamed tool is entered under its new name alone', () => {
  const rules = createToolRules({ a: { name: 'b2' } })
  expect(names(rules, 'a', 'b')).toEqual(['b2', 'b'])
  expect([codeOf(rules, 'b2'), codeOf(rules, 'a'), codeOf(rules, 'b')]).toEqual(['a', 'tool_renamed', 'b'])
})

test('two tools can change names, and each call reaches the right one', () => {
  const rules = createToolRules({ a: { name: 'b' }, b: { name: 'a' } })
  expect(names(rules, 'a', 'b')).toEqual(['b', 'a'])
  expect([codeOf(rules, 'a'), codeOf(rules, 'b')]).toEqual(['b', 'a'])
})

test('a tool that the server adds later under a given name does not take the place of the renamed one', () => {
  const rules = createToolRules({ a: { name: 'b' } })
  expect(names(rules, 'a', 'b')).toEqual(['b'])
  expect(codeOf(rules, 'b')).toBe('a')
})

test('annotations are put over those of the server, one by one, and all else stays', () => {
  const rules = createToolRules({
    a: { title: 'T', description: 'D', annotations: { readOnlyHint: true } },
  })
  const tool = { name: 'a', title: 'old', annotations: { readOnlyHint: false, openWorldHint: true }, x: [1] }
  expect(rules?.show([tool])).toEqual([
    {
      name: 'a',
      title: 'T',
      description: 'D',
      annotations: { readOnlyHint: true, openWorldHint: true },
      x: [1],
    },
  ])
})

test('the version differs exactly when the list can', () => {
  const [one, same, other] = [{ a: { title: 'A' } }, { a: { title: 'A' } }, { a: { title: 'B' } }].map(
    (settings) => createToolRules(settings)?.version,
  )
  expect(one).toBe(same)
  expect(one).not.toBe(other)
})
