import { describe, expect, test } from 'vitest'
import type { Analysis } from '../../api/client.ts'
import { blockedBecause, initialValues, toRequest } from './values.ts'

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
    expect(toRequest(analysis, { ...start, slug: 'other' }).slug).toBe('other')
    expect(toRequest(analysis, start)).not.toHaveProperty('slug')
  })

  test('an untouched form asks for the defaults and no scripts', () => {
    expect(toRequest(analysis, start)).toEqual({
      analysisId: 'ana_1',
      name: 'Thing',
      variables: {},
      args: [],
      network: 'internet',
      allowScripts: false,
    })
  })

  test('arguments keep their spaces, empty lines and empty rows are left out', () => {
    const request = toRequest(analysis, {
      ...start,
      args: ' --root\n\n/tmp dir\n',
      variables: [
        { name: ' TOKEN ', value: ' kept ', isKnown: false },
        { name: 'OPEN', value: '', isKnown: true },
        { name: '', value: '', isKnown: false },
      ],
      memoryMiB: '512',
    })
    expect(request.args).toEqual([' --root', '/tmp dir'])
    expect(request.variables).toEqual({ TOKEN: ' kept ' })
    expect(request.memoryMiB).toBe(512)
  })
})

test('each warning that needs a decision blocks until it is made', () => {
  const undecided = initialValues(warned)
  expect(blockedBecause(warned, undecided, true)).toMatch(/install scripts/)
  expect(blockedBecause(warned, { ...undecided, scripts: 'leave' }, true)).toMatch(/Confirm/)
  expect(blockedBecause(warned, { ...undecided, scripts: 'leave', isConfirmed: true }, true)).toBeNull()
  expect(blockedBecause(analysis, start, true)).toBeNull()
  expect(blockedBecause(analysis, start, false)).toMatch(/this machine/)
})
