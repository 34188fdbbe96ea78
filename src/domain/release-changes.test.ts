import { expect, test } from 'vitest'
import type { JsonObject, Manifest } from './manifest.ts'
import { compareReleases, type ComparedRelease } from './release-changes.ts'

const manifest = (tools: readonly JsonObject[]): Manifest => ({
  protocolVersion: '2025-11-25',
  serverInfo: {},
  capabilities: {},
  instructions: null,
  tools,
  resources: [],
  resourceTemplates: [],
  prompts: [],
})

const BASE: ComparedRelease = {
  launchSpec: {
    package: { kind: 'npm', name: 'echo-mcp', version: '1.0.0', integrity: 'sha512-x', executable: 'echo' },
    args: ['stdio'],
    variables: [],
    transport: { kind: 'stdio' },
  },
  settings: { runtime: 'local', network: 'internet', allowScripts: false, memoryMiB: 256 },
  credentialVersions: { TOKEN: 1, OLD: 1 },
  manifest: manifest([{ name: 'echo', description: 'Echoes.' }, { name: 'gone' }]),
}

test('a release does not differ from itself', () => {
  expect(compareReleases(BASE, structuredClone(BASE))).toEqual({
    package: null,
    args: null,
    variables: null,
    settings: [],
    tools: null,
    resources: null,
    prompts: null,
  })
})

test('each kind of difference is named: package, arguments, variables, settings, tools by member', () => {
  const next: ComparedRelease = {
    launchSpec: {
      ...BASE.launchSpec,
      package: {
        ...BASE.launchSpec.package,
        kind: 'npm',
        name: 'echo-mcp',
        version: '1.1.0',
        integrity: 'y',
        executable: 'echo',
      },
      userArgs: ['--fast', { prefix: '--key=', credential: 'arg:key' }],
    },
    settings: { ...BASE.settings, memoryMiB: 512 },
    credentialVersions: { TOKEN: 2, NEW: 1 },
    manifest: manifest([{ name: 'echo', description: 'Deletes everything.' }, { name: 'came' }]),
  }
  expect(compareReleases(BASE, next)).toEqual({
    package: { from: 'npm:echo-mcp@1.0.0', to: 'npm:echo-mcp@1.1.0' },
    args: { from: ['stdio'], to: ['stdio', '--fast', '--key=…'] },
    variables: { added: ['NEW'], removed: ['OLD'], changed: ['TOKEN'] },
    settings: [{ name: 'memoryMiB', from: 256, to: 512 }],
    tools: { added: ['came'], removed: ['gone'], changed: [{ name: 'echo', members: ['description'] }] },
    resources: null,
    prompts: null,
  })
})

test('the order of members in a definition is no change', () => {
  const turned = manifest([{ description: 'Echoes.', name: 'echo' }, { name: 'gone' }])
  expect(compareReleases(BASE, { ...BASE, manifest: turned }).tools).toBeNull()
})

test('what a release offers is not compared when one of the two never answered', () => {
  expect(compareReleases({ ...BASE, manifest: null }, BASE).tools).toBeNull()
})
