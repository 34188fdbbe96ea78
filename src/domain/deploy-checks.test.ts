import { describe, expect, test } from 'vitest'
import type { AnalysedArgument, AnalysedVariable } from './analysis.ts'
import { missingValues, needsConfirmation, valueProblem, type Given } from './deploy-checks.ts'

const variable = (name: string, required = true, value: string | null = null) =>
  ({ name, required, default: value }) as AnalysedVariable
const argument = (name: string, position: number | null) =>
  ({ name, position, required: true }) as AnalysedArgument

const mapOf = (names: string[] = []) => new Map(names.map((name) => [name, 'x']))

function given(some: {
  variables?: string[]
  files?: string[]
  arguments?: string[]
  args?: string[]
}): Given {
  return {
    variables: mapOf(some.variables),
    files: mapOf(some.files),
    arguments: mapOf(some.arguments),
    args: some.args ?? [],
  }
}

describe('missingValues', () => {
  const env = [variable('A'), variable('B'), variable('C', false), variable('D', true, 'default')]

  test('names all that is required, without those that have a default', () => {
    expect(missingValues({ env, requiredOneOf: [], arguments: [] }, given({}))).toEqual(['A', 'B'])
    expect(
      missingValues({ env, requiredOneOf: [], arguments: [] }, given({ variables: ['A'], files: ['B'] })),
    ).toEqual([])
  })

  test('of alternatives one is enough, and none is told as one', () => {
    const requiredOneOf = [[['A'], ['B', 'C']]]
    expect(missingValues({ env, requiredOneOf, arguments: [] }, given({ variables: ['B'] }))).toEqual([
      'A, or B and C',
    ])
    expect(missingValues({ env, requiredOneOf, arguments: [] }, given({ variables: ['B', 'C'] }))).toEqual([])
    expect(
      missingValues({ env, requiredOneOf: [[['A'], []]], arguments: [] }, given({ variables: ['B'] })),
    ).toEqual([])
  })

  test('arguments count when they are named, or given verbatim', () => {
    const wanted = {
      env: [],
      requiredOneOf: [],
      arguments: [argument('--token', null), argument('folder', 0)],
    }
    expect(missingValues(wanted, given({}))).toEqual(['--token', 'folder'])
    expect(missingValues(wanted, given({ arguments: ['--token', 'folder'] }))).toEqual([])
    expect(missingValues(wanted, given({ args: ['--token=x', '/data'] }))).toEqual([])
  })
})

test.each([
  [{ format: 'url' }, 'https://a.example', null],
  [{ format: 'url' }, 'postgres://u@h/d', null],
  [{ format: 'url' }, 'file:/var/lib/notes.db', null],
  [{ format: 'url' }, 'sqlite::memory:', null],
  [{ format: 'url' }, 'a.example', /address/],
  [{ format: 'url' }, 'localhost:3000', /address/],
  [{ format: 'number' }, '8080', null],
  [{ format: 'number' }, 'many', /number/],
  [{ format: 'boolean' }, 'TRUE', null],
  [{ format: 'boolean' }, 'maybe', /true or false/],
  [{ format: 'json' }, '{"a":1}', null],
  [{ format: 'json' }, '{a', /JSON/],
  [{ choices: ['eu', 'us'] }, 'eu', null],
  [{ choices: ['eu', 'us'] }, 'de', /eu, us/],
  [{}, 'anything', null],
] as const)('%j and %j', (form, value, problem) => {
  const found = valueProblem({ format: 'text', choices: [], required: true, ...form }, value)
  expect(found ?? 'no problem').toMatch(problem ?? /^no problem$/)
})

test('a mismatch of provenance needs a yes, a young version does not', () => {
  expect(needsConfirmation('provenance_mismatch')).toBe(true)
  expect(needsConfirmation('recently_published')).toBe(false)
})
