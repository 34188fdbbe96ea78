import { expect, test } from 'vitest'
import { npmFailure } from './npm-failure.ts'

const spec = { kind: 'npm', name: '@scope/server', version: '1.2.3', integrity: '', executable: 'x' } as const
const end = { exitCode: 1, signal: null, outOfMemory: false }

test.each([
  [
    'package_not_found',
    ['npm error code E404', "npm error 404  '@scope/server@1.2.3' is not in this registry."],
  ],
  ['install_failed', ['npm error code E404', "npm error 404  'dep@^1.0.0' is not in this registry."]],
  ['package_index_unavailable', ['npm error code ECONNREFUSED', 'npm error errno ECONNREFUSED']],
  ['install_failed', ['npm error code EBADENGINE']],
  ['install_failed', []],
])('%s for %j', (code, lines) => {
  expect(npmFailure(spec, lines, end).code).toBe(code)
})

test("the message says what failed, in npm's words", () => {
  const lines = [
    'npm error code EINTEGRITY',
    'npm error sha512-x integrity checksum failed',
    'npm error A complete log of this run',
  ]
  expect(npmFailure(spec, lines, end).message).toBe(
    '@scope/server@1.2.3 could not be installed: sha512-x integrity checksum failed (EINTEGRITY).',
  )
})

test('an installation that the kernel ended for want of memory says so', () => {
  expect(npmFailure(spec, [], { ...end, signal: 'SIGKILL', outOfMemory: true }).message).toContain(
    'ran out of memory',
  )
})
