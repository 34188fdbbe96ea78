import { expect, test } from 'vitest'
import { checkInstalled, checkLockFile } from './lock-file.ts'

const spec = {
  kind: 'npm',
  name: '@scope/server',
  version: '1.2.3',
  integrity: 'sha512-a',
  executable: 'server',
} as const
const own = { version: '1.2.3', integrity: 'sha512-a' }
const lock = (packages: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({ lockfileVersion: 3, packages: { '': {}, ...packages } })

test('a lock file that installs what was asked for passes, with the number of packages', () => {
  const text = lock({
    'node_modules/@scope/server': own,
    'node_modules/dep': { version: '1.0.0', integrity: 'sha512-b' },
    'node_modules/dep/node_modules/inner': { version: '1.0.0', inBundle: true },
  })
  expect(checkLockFile(text, spec)).toBe(3)
})

test.each([
  ['another version', { ...own, version: '1.2.4' }, {}, 'does not install'],
  ['another content', { ...own, integrity: 'sha512-evil' }, {}, 'its hash differs'],
  [
    'a dependency from a git repository',
    own,
    { version: '1.0.0', resolved: 'git+ssh://git@host/x' },
    'does not come from',
  ],
  ['a dependency that is a link', own, { link: true, resolved: '../../etc' }, 'does not come from'],
])('a lock file with %s is refused', (_what, first, second, reason) => {
  const text = lock({ 'node_modules/@scope/server': first, 'node_modules/dep': second })
  expect(() =>
    checkLockFile(
      Object.keys(second).length === 0 ? lock({ 'node_modules/@scope/server': first }) : text,
      spec,
    ),
  ).toThrow(reason)
})

test.each(['', '{', 'null', '[]', '{"packages":[]}', '{"packages":{"a":1}}'])(
  '%j is no lock file',
  (text) => {
    expect(() => checkLockFile(text, spec)).toThrow(/lock file/)
  },
)

test('what was installed must be in the lock file, with the same content', () => {
  const locked = lock({ 'node_modules/@scope/server': own, 'node_modules/optional': own })
  expect(() => checkInstalled(lock({ 'node_modules/@scope/server': own }), locked)).not.toThrow()
  expect(() => checkInstalled(lock({ 'node_modules/newcomer': own }), locked)).toThrow('newcomer')
  const other = { ...own, integrity: 'sha512-evil' }
  expect(() => checkInstalled(lock({ 'node_modules/optional': other }), locked)).toThrow('optional')
})
