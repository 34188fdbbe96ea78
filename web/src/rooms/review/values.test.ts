import { describe, expect, test } from 'vitest'
import type { Analysis } from '../../api/client.ts'
import {
  blockedBecause,
  initialValues,
  isAside,
  missingValues,
  needsConfirmation,
  pastedNames,
  toRequest,
} from './values.ts'

const analysis: Analysis = {
  id: 'ana_1',
  analysedAt: '2026-01-01T00:00:00Z',
  durationMs: 1,
  cached: false,
  asked: 'npm:thing@1.0.0',
  name: 'Thing',
  slug: 'thing',
  source: { kind: 'npm', url: 'npm:thing@1.0.0', commit: null, path: '' },
  verdict: 'deployable',
  reason: null,
  launch: {
    package: { registry: 'npm', name: 'thing', version: '1.0.0' },
    command: 'thing',
    args: [],
    transport: 'stdio',
  },
  candidates: [],
  env: [],
  requiredOneOf: [],
  arguments: [],
  tools: [],
  resources: [],
  prompts: [],
  proof: null,
  warnings: [],
  model: null,
  snippet: null,
}
const warned: Analysis = {
  ...analysis,
  warnings: [
    { code: 'install_scripts', message: '', confirm: false },
    { code: 'deprecated', message: '', confirm: true },
    { code: 'recently_published', message: '', confirm: false },
  ],
}
const start = initialValues(analysis)

describe('toRequest', () => {
  test('an endpoint is asked for only when it was chosen, so that a suggestion that was taken since does no harm', () => {
    expect(toRequest(analysis, { ...start, slug: 'other' }, undefined).slug).toBe('other')
    expect(toRequest(analysis, start, undefined)).not.toHaveProperty('slug')
  })

  test('an untouched form asks for the defaults and no scripts', () => {
    expect(toRequest(analysis, start, undefined)).toEqual({
      analysisId: 'ana_1',
      name: 'Thing',
      variables: {},
      args: [],
      network: 'internet',
      allowScripts: false,
    })
  })

  test('arguments keep their spaces, empty lines and empty rows are left out', () => {
    const request = toRequest(
      analysis,
      {
        ...start,
        args: ' --root\n\n/tmp dir\n',
        variables: [
          { name: ' TOKEN ', value: ' kept ', isKnown: false, isPersonal: false },
          { name: 'OPEN', value: '', isKnown: true, isPersonal: false },
          { name: '', value: '', isKnown: false, isPersonal: false },
        ],
        memoryMiB: '512',
      },
      undefined,
    )
    expect(request.args).toEqual([' --root', '/tmp dir'])
    expect(request.variables).toEqual({ TOKEN: ' kept ' })
    expect(request.memoryMiB).toBe(512)
  })

  test('what was pasted goes along with the analysis of it, and the content of a file as a file', () => {
    const asked: Analysis = {
      ...analysis,
      env: [variable('KEY_FILE', { format: 'file' }), variable('TOKEN', { required: true })],
      snippet: { server: 'b', servers: ['a', 'b'], args: [], env: ['TOKEN'] },
    }
    const variables = [{ name: 'KEY_FILE', value: '{"a":1}', isKnown: true, isPersonal: false }]
    expect(toRequest(asked, { ...start, variables }, '{"mcpServers":{}}')).toMatchObject({
      analysisId: 'ana_1',
      source: '{"mcpServers":{}}',
      server: 'b',
      variables: {},
      files: { KEY_FILE: '{"a":1}' },
    })
    expect([...pastedNames(asked, '{}')]).toEqual(['TOKEN'])
    expect([...pastedNames(asked, undefined)]).toEqual([])
  })

  test('what each member brings is named, with or without a value of whoever deploys', () => {
    const variables = [
      { name: 'MINE', value: 'x', isKnown: false, isPersonal: true },
      { name: 'THEIRS', value: '', isKnown: false, isPersonal: true },
    ]
    expect(toRequest(analysis, { ...start, variables }, undefined)).toMatchObject({
      variables: { MINE: 'x' },
      personal: ['MINE', 'THEIRS'],
    })
  })
})

function variable(name: string, more: Partial<Analysis['env'][number]> = {}): Analysis['env'][number] {
  return {
    name,
    required: false,
    secret: false,
    default: null,
    description: null,
    format: 'text',
    choices: [],
    helpUrl: null,
    confidence: 0.9,
    evidence: [],
    ...more,
  }
}

test('a yes is asked for only where it leads to a deployment', () => {
  const refused: Analysis = { ...warned, verdict: 'not_a_server', launch: null }
  expect(needsConfirmation(refused)).toBe(false)
  expect(needsConfirmation({ ...warned, verdict: 'unsupported' })).toBe(false)
  expect(needsConfirmation({ ...analysis, verdict: 'not_a_server' })).toBe(true)
})

test('what can be left alone is what is neither required nor one of several', () => {
  const several: Analysis = {
    ...analysis,
    env: [variable('A', { required: true }), variable('B'), variable('C')],
    requiredOneOf: [[['B'], ['D']]],
  }
  expect(['A', 'B', 'C', 'E'].map((name) => isAside(several, name))).toEqual([false, false, true, false])
})

test('each warning that needs a decision blocks until it is made', () => {
  const undecided = initialValues(warned)
  expect(blockedBecause(warned, undecided, true)).toMatch(/install scripts/)
  expect(blockedBecause(warned, { ...undecided, scripts: 'leave' }, true)).toMatch(/Confirm/)
  expect(blockedBecause(warned, { ...undecided, scripts: 'leave', isConfirmed: true }, true)).toBeNull()
  expect(blockedBecause(analysis, start, true)).toBeNull()
  expect(blockedBecause(analysis, start, false)).toMatch(/this machine/)
})

function rowsOf(given: Readonly<Record<string, string>>) {
  return Object.entries(given).map(([name, value]) => ({ name, value, isKnown: true, isPersonal: false }))
}

describe('missingValues', () => {
  const asking: Analysis = {
    ...analysis,
    env: [
      variable('TOKEN', { required: true }),
      variable('REGION', { required: true, default: 'eu' }),
      variable('A'),
    ],
    requiredOneOf: [[['A'], ['B', 'C']]],
  }
  const missing = (given: Readonly<Record<string, string>>, pasted: readonly string[] = []) =>
    missingValues(asking, { variables: rowsOf(given), named: [] }, new Set(pasted))

  test('names what has neither a value nor a default, taken out or left empty', () => {
    expect(missing({ TOKEN: '', A: 'a' })).toEqual(['TOKEN'])
    expect(missing({ A: 'a' })).toEqual(['TOKEN'])
    expect(missing({ TOKEN: 't', A: 'a' })).toEqual([])
    expect(missing({ TOKEN: '', A: 'a' }, ['TOKEN'])).toEqual([])
  })

  test('of ways of which one is enough it names all while none is complete', () => {
    expect(missing({ TOKEN: 't', B: 'b' })).toEqual(['A, or B and C'])
    expect(missing({ TOKEN: 't', B: 'b', C: 'c' })).toEqual([])
  })
})
