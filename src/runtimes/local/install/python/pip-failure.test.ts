import { expect, test } from 'vitest'
import { demandedPython, pipFailure } from './pip-failure.ts'

const result = (...lines: string[]) => ({
  lines,
  end: { exitCode: 1, signal: null, outOfMemory: false },
})
const NONE = 'ERROR: No matching distribution found for dep>=2'

test('a package for another Python is told from one that is missing', () => {
  const other =
    'ERROR: Ignored the following versions that require a different python version: 1.0 Requires-Python >=3.13; 1.1 Requires-Python >=3.14'
  expect(demandedPython(result(other, NONE))).toBe('>=3.13')
  expect(demandedPython(result(NONE))).toBeNull()
})

test.each([
  ['install_failed', 'hash differs', [NONE, 'THESE PACKAGES DO NOT MATCH THE HASHES FROM']],
  ['install_failed', '(wheel) of dep>=2', [NONE]],
  ['package_index_unavailable', 'cannot be reached', ['ProxyError: 502', NONE]],
  ['install_failed', 'ValueError: no', ['      ValueError: no', 'note: This is an issue with the package']],
  ['install_failed', 'exit code 1', []],
])('%s: %s', (code, words, lines) => {
  const failure = pipFailure('x@1.0', false, result(...lines))
  expect(failure.code).toBe(code)
  expect(failure.message).toContain(words)
})
