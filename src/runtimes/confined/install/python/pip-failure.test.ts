import { expect, test } from 'vitest'
import { pipFailure } from './pip-failure.ts'

const result = (...lines: string[]) => ({
  lines,
  end: { exitCode: 1, signal: null, outOfMemory: false },
})
const NONE = 'ERROR: No matching distribution found for dep>=2'

test.each([
  'ERROR: Ignored the following versions that require a different python version: 1.0 Requires-Python >=3.13; 1.1 Requires-Python >=3.14',
  "ERROR: Package 'x' requires a different Python: 3.11.2 not in '>=3.13'",
])('a package for another Python is told from one that is missing: %s', (line) => {
  const failure = pipFailure('x@1.0', false, result(line, NONE), '3.11.2')
  expect(failure.code).toBe('python_unavailable')
  expect(failure.message).toBe('x@1.0 needs Python >=3.13; this machine has 3.11.2.')
})

test.each([
  ['install_failed', 'hash differs', [NONE, 'THESE PACKAGES DO NOT MATCH THE HASHES FROM']],
  ['install_failed', '(wheel) of dep>=2', [NONE]],
  ['package_index_unavailable', 'cannot be reached', ['ProxyError: 502', NONE]],
  ['install_failed', 'ValueError: no', ['      ValueError: no', 'note: This is an issue with the package']],
  ['install_failed', 'exit code 1', []],
])('%s: %s', (code, words, lines) => {
  const failure = pipFailure('x@1.0', false, result(...lines), '3.11.2')
  expect(failure.code).toBe(code)
  expect(failure.message).toContain(words)
})
