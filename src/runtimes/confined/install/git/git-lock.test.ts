import { expect, test } from 'vitest'
import { formatGitLock, parseGitLock } from './git-lock.ts'

const commit = 'a'.repeat(40)
const spec = {
  kind: 'git',
  repository: 'https://github.com/acme/server',
  commit,
  path: '',
  program: { kind: 'node-file', path: 'dist/index.js' },
} as const

test('a lock is read as it was written', () => {
  const lock = { commit, files: { 'packages/x/package-lock.json': '{}' }, python: null }
  expect(parseGitLock(formatGitLock(lock), spec)).toMatchObject(lock)
})

test.each([
  ['', 'not one of a repository'],
  ['{"kind":"git"}', 'not one of a repository'],
  [formatGitLock({ commit, files: { '../../etc/x': '' }, python: null }), 'not one of a repository'],
  [formatGitLock({ commit: 'b'.repeat(40), files: {}, python: null }), 'another commit'],
])('%j is refused', (text, reason) => {
  expect(() => parseGitLock(text, spec)).toThrow(reason)
})
