import { expect, test } from 'vitest'
import { checkLockFile, storeKey } from './lock-file.ts'

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

test('what makes an installation different makes its key different, and a key is a safe file name', () => {
  const parts = {
    name: '@scope/server',
    version: '1.2.3',
    lockFile: '{}',
    allowScripts: false,
    platform: 'linux',
    architecture: 'x64',
    nodeMajor: '24',
  }
  const key = storeKey(parts)
  expect(key).toMatch(/^scope-server-1\.2\.3-[0-9a-f]{32}$/)
  expect(storeKey({ ...parts })).toBe(key)
  const others = [
    { lockFile: '{ }' },
    { allowScripts: true },
    { platform: 'darwin' },
    { architecture: 'arm64' },
    { nodeMajor: '26' },
    { version: '1.2.4' },
  ].map((change) => storeKey({ ...parts, ...change }))
  expect(new Set([key, ...others]).size).toBe(7)
})
