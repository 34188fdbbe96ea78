import { expect, test } from 'vitest'
import { folderOf, readServer } from './server-json.ts'

const META = 'io.modelcontextprotocol.registry/official'
const server = { name: 'io.github.owner/thing', description: 'A thing.', version: '1.0.0' }

function entryOf(value: unknown) {
  const change = readServer(value)
  return change?.kind === 'present' ? change.entry : null
}

test('an entry is read with its package, variables, arguments, address and state', () => {
  const value = {
    server: {
      ...server,
      $schema: 'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json',
      title: 'Thing',
      repository: { url: 'https://github.com/owner/thing', source: 'github', subfolder: '/servers/thing/' },
      websiteUrl: 'https://thing.example',
      packages: [
        {
          registryType: 'npm',
          identifier: '@owner/thing',
          version: '1.0.0',
          transport: { type: 'stdio' },
          packageArguments: [{ type: 'named', name: '--root', isRequired: true, format: 'filepath' }],
          environmentVariables: [
            { name: 'THING_KEY', isRequired: true, isSecret: true, description: 'Key.' },
          ],
        },
      ],
      remotes: [
        {
          type: 'streamable-http',
          url: 'https://thing.example/mcp',
          headers: [{ name: 'X-Key', isSecret: true }],
        },
      ],
    },
    _meta: {
      [META]: { status: 'deprecated', statusMessage: 'Use another.', publishedAt: '2026-01-02T03:04:05Z' },
    },
  }
  expect(entryOf(value)).toMatchObject({
    name: server.name,
    title: 'Thing',
    status: 'deprecated',
    statusMessage: 'Use another.',
    repository: 'https://github.com/owner/thing',
    folder: 'servers/thing',
    publishedAt: new Date('2026-01-02T03:04:05Z'),
    document: {
      packages: [
        {
          identifier: '@owner/thing',
          packageArguments: [{ name: '--root', isRequired: true }],
          environmentVariables: [{ name: 'THING_KEY', isSecret: true }],
        },
      ],
      remotes: [{ url: 'https://thing.example/mcp', headers: [{ name: 'X-Key' }] }],
    },
  })
})

test('a deleted entry is told as gone', () => {
  expect(readServer({ server, _meta: { [META]: { status: 'deleted' } } })).toEqual({
    kind: 'gone',
    name: server.name,
  })
})

test.each([
  ['nothing', null],
  ['a text', 'io.github.owner/thing'],
  ['no name', { server: { ...server, name: undefined } }],
  ['a name of another form', { server: { ...server, name: '../../etc/passwd' } }],
  ['a name with a line break', { server: { ...server, name: 'io.github.owner/thing\nSet-Cookie' } }],
  [
    'a name that is a thousand letters',
    { server: { ...server, name: `io.github.owner/${'x'.repeat(1000)}` } },
  ],
])('what has %s is no entry', (_what, value) => expect(readServer(value)).toBeNull())

test('what is wrong in an entry is left out, and the rest stays', () => {
  const entry = entryOf({
    server: {
      ...server,
      title: 7,
      description: 'Safe\u202Etxt.exe\u0000 \u001b[31m<script>\n\ud800 end'.padEnd(9_000, '!'),
      repository: { url: 'file:///etc/passwd' },
      websiteUrl: 'https://user:password@thing.example',
      packages: [
        null,
        { registryType: 'npm', identifier: 'a b' },
        {
          registryType: 'npm',
          identifier: 'good',
          transport: 'stdio',
          environmentVariables: [{ name: 'A=B' }, { name: 'GOOD', isSecret: 'yes', choices: 'no list' }, 3],
          packageArguments: { not: 'a list' },
        },
        ...Array.from({ length: 500 }, (_, index) => ({ registryType: 'npm', identifier: `p${index}` })),
      ],
      remotes: [
        { type: 'sse', url: 'javascript:alert(1)' },
        { type: 'sse', url: 'http://plain.example' },
      ],
    },
    _meta: { [META]: { status: 'odd', publishedAt: 'yesterday', updatedAt: '9999-01-01T00:00:00Z' } },
  })
  expect(entry).toMatchObject({
    title: null,
    status: 'active',
    repository: null,
    website: null,
    publishedAt: null,
    updatedAt: null,
  })
  expect(entry?.description).toMatch(/^Safe txt\.exe \[31m<script> \uFFFD end!+$/)
  expect(entry?.description.length).toBeLessThanOrEqual(1_000)
  expect(entry?.document.remotes).toEqual([])
  const [good] = entry?.document.packages ?? []
  expect(good).toMatchObject({ identifier: 'good', transport: { type: 'stdio' }, packageArguments: [] })
  expect(good?.['environmentVariables']).toEqual([{ name: 'GOOD' }])
  expect(entry?.document.packages.length).toBeLessThanOrEqual(20)
})

test.each([
  ['/a//b/', 'a/b'],
  ['./a', 'a'],
  ['../../etc', ''],
  ['', ''],
])('the folder %j is %j', (given, folder) => expect(folderOf(given)).toBe(folder))
