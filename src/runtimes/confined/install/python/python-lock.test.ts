import { expect, test } from 'vitest'
import { checkPythonLock, formatLock, parseFileName, parseLock } from './python-lock.ts'

const hash = (letter: string): string => letter.repeat(64)
const spec = {
  kind: 'pypi',
  name: 'my-server',
  version: '1.2.0',
  hashes: [hash('a'), hash('b')],
  program: { kind: 'script', name: 'my-server' },
} as const
const files = [
  { name: 'my-server', version: '1.2.0', hash: hash('b') },
  { name: 'dep', version: '2!1.0+local', hash: hash('c') },
]

test('a lock file is read as it was written, and counts its packages', () => {
  const text = formatLock('3.11', files)
  expect(parseLock(text)).toEqual({ python: '3.11', files: files.toReversed() })
  expect(checkPythonLock(text, spec)).toBe(2)
})

test.each([
  [
    'another content',
    formatLock('3.11', [{ name: 'my-server', version: '1.2.0', hash: hash('d') }]),
    'hash differs',
  ],
  [
    'another package',
    formatLock('3.11', [{ name: 'other', version: '1.2.0', hash: hash('a') }]),
    'does not install',
  ],
  ['a line without a hash', '# catwalk python 3.11\nmy-server==1.2.0\n', 'not pinned'],
  ["an option of pip's", `${formatLock('3.11', files)}--index-url http://evil\n`, 'not pinned'],
  ['nothing of ours', '{}', 'not one of Python'],
])('a lock file with %s is refused', (_what, text, reason) => {
  expect(() => checkPythonLock(text, spec)).toThrow(reason)
})

test.each([
  ['My_Server-1.2.0-py3-none-any.whl', { name: 'my-server', version: '1.2.0' }],
  ['x-1.0-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl', { name: 'x', version: '1.0' }],
  ['my-server-1.2.0.tar.gz', { name: 'my-server', version: '1.2.0' }],
  ['README.md', null],
])('%s', (file, parsed) => {
  expect(parseFileName(file)).toEqual(parsed)
})
