import { expect, test } from 'vitest'
import { formatSource } from './source/format.ts'
import { registryTarget } from './registry-target.ts'
import type { RegistryPackage } from './registry.ts'

const REPOSITORY = 'https://github.com/owner/repo'
const pkg = (
  registryType: string,
  identifier: string,
  changes: Partial<RegistryPackage> = {},
): RegistryPackage => ({
  registryType,
  identifier,
  version: '1.2.3',
  transport: { type: 'stdio' },
  ...changes,
})

function targetOf(
  packages: readonly RegistryPackage[],
  more: { remotes?: string[]; repository?: string; folder?: string },
) {
  const { remotes = [], repository = null, folder = '' } = more
  const target = registryTarget({
    document: { packages, remotes: remotes.map((url) => ({ type: 'streamable-http', url })) },
    repository,
    folder,
  })
  return 'source' in target ? formatSource(target.source) : 'url' in target ? target.url : target.kind
}

test.each<[string, Parameters<typeof targetOf>, string]>([
  ['a package of npm', [[pkg('npm', '@scope/name')], {}], 'npm:@scope/name@1.2.3'],
  ['one of PyPI', [[pkg('pypi', 'Some_Name')], {}], 'pypi:some-name==1.2.3'],
  ['npm before PyPI, whatever comes first', [[pkg('pypi', 'b'), pkg('npm', 'a')], {}], 'npm:a@1.2.3'],
  [
    'the package although there is an address',
    [[pkg('npm', 'a')], { remotes: ['https://a.example/mcp'] }],
    'npm:a@1.2.3',
  ],
  ['no exact version', [[pkg('pypi', 'a', { version: 'latest' })], {}], 'pypi:a'],
  [
    'the repository in place of an image',
    [[pkg('oci', 'ghcr.io/owner/repo:1')], { repository: REPOSITORY, folder: 'servers/a' }],
    `${REPOSITORY}/tree/HEAD/servers/a`,
  ],
  [
    'the repository in place of a package that wants a port',
    [[pkg('npm', 'a', { transport: { type: 'streamable-http' } })], { repository: REPOSITORY }],
    REPOSITORY,
  ],
  [
    'the repository in place of a name that is none',
    [[pkg('npm', 'a; curl evil')], { repository: REPOSITORY }],
    REPOSITORY,
  ],
  ['the repository alone', [[], { repository: REPOSITORY }], REPOSITORY],
  [
    'the address of what only runs there',
    [[], { remotes: ['https://a.example/mcp'], repository: REPOSITORY }],
    'https://a.example/mcp',
  ],
  ['nothing', [[], {}], 'nothing'],
  ['nothing, where the repository is a page', [[], { repository: 'https://example.com/' }], 'nothing'],
])('%s', (_what, [packages, more], expected) => expect(targetOf(packages, more)).toBe(expected))
