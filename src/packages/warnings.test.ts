import { expect, test } from 'vitest'
import { parseSource, type GithubSource, type GitSource } from '../domain/index.ts'
import { lookAlike } from './look-alikes.ts'
import { leadsBack } from './provenance.ts'
import { packageWarnings, type PackageFacts } from './warnings.ts'

const POPULAR = [
  { name: 'mcp-server-weather', weeklyDownloads: 50_000 },
  { name: '@vendor/mail-mcp', weeklyDownloads: 20_000 },
  { name: 'tiny', weeklyDownloads: 90_000 },
  { name: 'uncounted-server', weeklyDownloads: null },
]

test.each([
  ['mcp-server-wether', 'mcp-server-weather'],
  ['mcp-server-weatherr', 'mcp-server-weather'],
  ['mcp-server-waether', 'mcp-server-weather'],
  ['mcp-server-weathar', 'mcp-server-weather'],
  ['mcp_server_weather', 'mcp-server-weather'],
  ['mcpserverweather', 'mcp-server-weather'],
  ['mcp-server-we\u0430ther', 'mcp-server-weather'],
  ['rncp-server-weather', 'mcp-server-weather'],
  ['mcp-server-wea7her', 'mcp-server-weather'],
  ['@vend0r/mail-mcp', '@vendor/mail-mcp'],
  ['@vender/mail-mcp', '@vendor/mail-mcp'],
  ['vendor-mail-mcp', '@vendor/mail-mcp'],
  ['mail-mcp', '@vendor/mail-mcp'],
])('%s is easily taken for %s', (name, other) => {
  expect(lookAlike({ name, weeklyDownloads: 12 }, POPULAR)?.name).toBe(other)
})

test.each([
  ['the popular one itself', 'mcp-server-weather', 50_000],
  ['one that is used about as much', 'mcp-server-wether', 30_000],
  ['another short word', 'tine', 5],
  ['an unlike name', 'mcp-server-calendar', 5],
  ['one like a name that nobody counts', 'uncounted-servor', 5],
  ['the same name in an unlike scope', '@somebody/mail-mcp', 5],
])('%s is taken for nothing else', (_what, name, weeklyDownloads) => {
  expect(lookAlike({ name, weeklyDownloads }, POPULAR)).toBeNull()
})

const repository = (text: string): GithubSource | GitSource => {
  const source = parseSource(text)
  if (source.kind === 'github' || source.kind === 'git') return source
  throw new Error(`${text} is no repository`)
}

test.each([
  ['owner/name', 'git+https://github.com/Owner/Name.git', true],
  ['owner/name', 'git@github.com:owner/name.git', true],
  ['owner/name', 'github:owner/name', true],
  ['owner/name', 'owner/name', true],
  ['owner/name', 'https://github.com/owner/name/tree/main/packages/x#readme', true],
  ['https://gitlab.com/a/b/c', 'git+ssh://git@gitlab.com/a/b/c.git', true],
  ['https://code.example.com/a/b.git', 'https://code.example.com/a/b', true],
  ['owner/name', 'https://github.com/owner/other', false],
  ['owner/name', 'https://github.com/evil/name', false],
  ['owner/name', 'https://gitlab.com/owner/name', false],
  ['owner/name', 'https://github.com.evil.example/owner/name', false],
  ['owner/name', 'https://evil.example/github.com/owner/name', false],
  ['owner/name', 'not an address at all', false],
  ['owner/name', null, false],
])('that %s is what %s names: %s', (source, declared, is) => {
  expect(leadsBack({ repository: repository(source), declared })).toBe(is)
})

const codes = (facts: PackageFacts) => packageWarnings(facts).map(({ code }) => code)

test('warnings name what a person should know, each once', () => {
  const facts: PackageFacts = {
    name: 'mcp-server-wether',
    info: { deprecated: 'use another', hasInstallScripts: true, publishedAt: new Date('2026-01-09') },
    provenance: { repository: repository('owner/name'), declared: 'evil/name' },
    popular: POPULAR,
    weeklyDownloads: 3,
    now: new Date('2026-01-10'),
  }
  expect(codes(facts)).toEqual([
    'deprecated',
    'provenance_mismatch',
    'look_alike',
    'install_scripts',
    'recently_published',
  ])
  const yanked = { yanked: '', hasInstallScripts: false, publishedAt: null }
  expect(codes({ ...facts, name: 'calendar', info: yanked, provenance: null })).toEqual(['yanked'])
  const fine = { deprecated: null, hasInstallScripts: false, publishedAt: new Date('2025-01-01') }
  expect(
    codes({
      ...facts,
      name: 'calendar',
      info: fine,
      provenance: { repository: repository('owner/name'), declared: 'owner/name' },
    }),
  ).toEqual([])
})
