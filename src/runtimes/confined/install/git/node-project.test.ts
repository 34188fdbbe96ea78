import { expect, test } from 'vitest'
import { planNodeProject } from './node-project.ts'

function repository(files: Readonly<Record<string, string | object>>): Parameters<typeof planNodeProject>[0] {
  const texts = new Map(
    Object.entries(files).map(([path, content]) => [
      path,
      typeof content === 'string' ? content : JSON.stringify(content),
    ]),
  )
  return {
    files: new Map([...texts.keys()].map((path) => [path, { path, bytes: 1 }])),
    text: (path) => texts.get(path) ?? null,
  }
}

test('a project without a lock file is installed by npm, and built by its own script', () => {
  const files = repository({ 'package.json': { scripts: { build: 'tsc', prepare: 'husky' } } })
  expect(planNodeProject(files, '')).toEqual({
    manager: 'npm',
    managerPackage: null,
    root: '',
    folder: '',
    hasLock: false,
    build: { folder: '', script: 'build' },
  })
})

test('the nearest lock file above a package of a monorepo counts, and the root may build it', () => {
  const files = repository({
    'package.json': { scripts: { build: 'turbo' }, packageManager: 'pnpm@10.4.1+sha512.abc' },
    'pnpm-lock.yaml': "lockfileVersion: '9.0'",
    'packages/server/package.json': {},
  })
  expect(planNodeProject(files, 'packages/server')).toMatchObject({
    manager: 'pnpm',
    managerPackage: 'pnpm@10.4.1',
    root: '',
    hasLock: true,
    build: { folder: '', script: 'build' },
  })
})

test.each([
  ['pnpm-lock.yaml', 'lockfileVersion: 5.4', 'pnpm@7.33.7'],
  ['pnpm-lock.yaml', "lockfileVersion: '6.0'", 'pnpm@8.15.9'],
  ['pnpm-lock.yaml', "lockfileVersion: '9.0'", 'pnpm@9.15.9'],
  ['yarn.lock', '# yarn lockfile v1', 'yarn@1.22.22'],
  ['yarn.lock', '__metadata:\n  version: 8', '@yarnpkg/cli-dist@4.9.2'],
])('%s with %j is read by an exact version of its manager: %s', (name, content, managerPackage) => {
  const files = repository({ 'package.json': {}, [name]: content })
  expect(planNodeProject(files, '').managerPackage).toBe(managerPackage)
})

test.each(['pnpm@latest', 'pnpm@9.0.0 --evil', 'yarn@3.0.0', '../pnpm'])(
  'a manager named %j does not count as one',
  (packageManager) => {
    const files = repository({
      'package.json': { packageManager },
      'pnpm-lock.yaml': "lockfileVersion: '9.0'",
    })
    expect(planNodeProject(files, '').managerPackage).toBe('pnpm@9.15.9')
  },
)
