import { expect, test } from 'vitest'
import { executablesOf } from './executables-of.ts'

test('one path is named like the package, without its scope', () => {
  expect([...executablesOf('@scope/server', { bin: 'cli.js' })]).toEqual([['server', 'cli.js']])
})

test('several keep their names and their order', () => {
  const executables = executablesOf('x', { bin: { zeta: 'z.js', alpha: 'a.js' } })
  expect([...executables.keys()]).toEqual(['zeta', 'alpha'])
})

test('a name with a scope or a path is cut as npm does', () => {
  const executables = executablesOf('x', { bin: { '@scope/server': 'a.js', '../evil': 'b.js' } })
  expect([...executables.keys()]).toEqual(['server', 'evil'])
})

test.each([null, 1, {}, { bin: null }, { bin: ['x'] }, { bin: { '..': 'x', 'a/': 'x', ok: 7, 'a b': 'x' } }])(
  '%j declares none',
  (manifest) => {
    expect(executablesOf('x', manifest).size).toBe(0)
  },
)
