import { expect, test } from 'vitest'
import { formatSource } from './source/format.ts'
import { portOf, registryTarget } from './registry-target.ts'
import type { RegistryPackage } from './registry.ts'

const HASH = 'a'.repeat(64)
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
  more: { remotes?: string[]; repository?: string; folder?: string; runsImages?: boolean },
) {
  const { remotes = [], repository = null, folder = '', runsImages = false } = more
  const document = { packages, remotes: remotes.map((url) => ({ type: 'streamable-http', url })) }
  const target = registryTarget({ document, repository, folder }, runsImages)
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
    'the image where images run',
    [[pkg('oci', 'ghcr.io/owner/repo:1')], { repository: REPOSITORY, runsImages: true }],
    'oci:ghcr.io/owner/repo:1',
  ],
  [
    'an image whose version stands apart',
    [[pkg('oci', 'owner/repo', { version: '1.2' })], { runsImages: true }],
    'oci:docker.io/owner/repo:1.2',
  ],
  [
    'the image where there is nothing else',
    [[pkg('oci', 'ghcr.io/owner/repo:1')], {}],
    'oci:ghcr.io/owner/repo:1',
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
  [
    'the bundle for Linux, by the hash of its entry',
    [
      [
        pkg('mcpb', 'https://github.com/o/r/releases/download/v1/a-darwin-arm64.mcpb', { fileSha256: HASH }),
        pkg('mcpb', 'https://github.com/o/r/releases/download/v1/a-linux.mcpb', { fileSha256: HASH }),
      ],
      { repository: REPOSITORY },
    ],
    `mcpb:https://github.com/o/r/releases/download/v1/a-linux.mcpb#sha256=${HASH}`,
  ],
  [
    'the repository in place of a bundle without a hash',
    [[pkg('mcpb', 'https://github.com/o/r/releases/download/v1/a.mcpb')], { repository: REPOSITORY }],
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

test.each([
  ['http://localhost:8080/mcp', { port: 8080, path: '/mcp' }],
  ['http://127.0.0.1/', { port: 80, path: '/' }],
  ['http://localhost:{PORT}/mcp', null],
  ['https://host:70000/mcp', null],
  ['http://localhost:8080/mcp?key=1', null],
])('%s says where an image serves HTTP: %j', (url, port) => {
  expect(portOf(pkg('oci', 'ghcr.io/owner/repo:1', { transport: { type: 'streamable-http', url } }))).toEqual(
    port,
  )
})
