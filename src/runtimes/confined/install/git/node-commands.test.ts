import { expect, test } from 'vitest'
import { buildCommands } from './node-commands.ts'
import type { NodeProject } from './node-project.ts'

const npm: NodeProject = {
  manager: 'npm',
  managerPackage: null,
  root: '',
  folder: 'packages/server',
  hasLock: true,
  build: { folder: 'packages/server', script: 'build' },
}

const words = (project: NodeProject, allowScripts = false): string[] =>
  buildCommands(project, allowScripts).map(({ name, argv }) => `${name}: ${argv.slice(1).join(' ')}`)

test('npm installs by the lock file without scripts, then the build script runs where it stands', () => {
  const commands = buildCommands(npm, false)
  expect(commands.map(({ name, folder }) => [name, folder])).toEqual([
    ['install', ''],
    ['build', 'packages/server'],
  ])
  expect(commands[0]?.argv).toEqual(expect.arrayContaining(['ci', '--ignore-scripts', '--include=dev']))
  expect(commands[1]?.argv.slice(-2)).toEqual(['run', 'build'])
})

test('scripts of dependencies run in a step of their own, and only when they are allowed', () => {
  expect(words(npm, true).some((line) => line.startsWith('scripts: '))).toBe(true)
  expect(words(npm).some((line) => line.startsWith('scripts: '))).toBe(false)
})

test.each([
  [
    { manager: 'pnpm', managerPackage: 'pnpm@9.15.9' },
    '--frozen-lockfile --ignore-scripts --ignore-pnpmfile',
  ],
  [{ manager: 'yarn', managerPackage: 'yarn@1.22.22' }, 'yarn/bin/yarn.js install --frozen-lockfile'],
  [
    { manager: 'yarn', managerPackage: '@yarnpkg/cli-dist@4.9.2' },
    'cli-dist/bin/yarn.js install --immutable --mode=skip-build',
  ],
] as const)('%j is fetched in its exact version and keeps to the lock file', (manager, install) => {
  const [tool, installed] = words({ ...npm, ...manager })
  expect(tool).toMatch(new RegExp(`^tool: .* ${RegExp.escape(manager.managerPackage)}$`))
  expect(installed).toContain(install)
})

test('what runs code of the repository never has the credentials of the registry', () => {
  for (const manager of [{}, { manager: 'pnpm', managerPackage: 'pnpm@9.15.9' }] as const) {
    const open = buildCommands({ ...npm, ...manager }, true).filter(({ credentials }) => credentials)
    expect(open.every(({ argv }) => argv.some((word) => word === '--ignore-scripts'))).toBe(true)
  }
})
