import { describe, expect, test } from 'vitest'
import type { Analysis } from '../../api/client.ts'
import { blockedBecause, initialValues, toRequest } from './values.ts'

const analysis: Analysis = {
  source: 'npm:thing@1.0.0',
  name: 'Thing',
  slug: 'thing',
  package: {
    kind: 'npm',
    name: 'thing',
    version: '1.0.0',
    integrity: 'sha512-x',
    executables: ['thing'],
    description: null,
    repository: null,
    license: null,
    publishedAt: null,
    unpackedBytes: null,
  },
  warnings: [],
}
const warned: Analysis = {
  ...analysis,
  warnings: [
    { code: 'install_scripts', message: '' },
    { code: 'deprecated', message: '' },
    { code: 'recently_published', message: '' },
  ],
}
const start = initialValues(analysis, undefined)

describe('toRequest', () => {
  test('an endpoint is asked for only when it was chosen, so that a suggestion that was taken since does no harm', () => {
    expect(toRequest(analysis, { ...start, slug: 'other' }).slug).toBe('other')
    expect(toRequest(analysis, start)).not.toHaveProperty('slug')
  })

  test('an untouched form asks for the defaults and no scripts', () => {
    expect(toRequest(analysis, start)).toEqual({
      source: 'npm:thing@1.0.0',
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
        { name: ' TOKEN ', value: ' kept ' },
        { name: '', value: '' },
      ],
      memoryMiB: '512',
    })
    expect(request.args).toEqual([' --root', '/tmp dir'])
    expect(request.variables).toEqual({ TOKEN: ' kept ' })
    expect(request.memoryMiB).toBe(512)
  })
})

test('each warning that needs a decision blocks until it is made', () => {
  const undecided = initialValues(warned, undefined)
  expect(blockedBecause(warned, undecided, true)).toMatch(/install scripts/)
  expect(blockedBecause(warned, { ...undecided, scripts: 'leave' }, true)).toMatch(/Confirm/)
  expect(
    blockedBecause(warned, { ...undecided, scripts: 'leave', deprecatedConfirmed: true }, true),
  ).toBeNull()
  expect(blockedBecause(analysis, start, true)).toBeNull()
  expect(blockedBecause(analysis, start, false)).toMatch(/this machine/)
})
