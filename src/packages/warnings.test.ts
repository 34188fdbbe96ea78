import { expect, test } from 'vitest'
import { lookAlike } from './look-alikes.ts'
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

const codes = (facts: PackageFacts) => packageWarnings(facts).map(({ code }) => code)

test('warnings name what a person should know, each once', () => {
  const facts: PackageFacts = {
    name: 'mcp-server-wether',
    info: { deprecated: 'use another', hasInstallScripts: true, publishedAt: new Date('2026-01-09') },
    popular: POPULAR,
    weeklyDownloads: 3,
    now: new Date('2026-01-10'),
  }
  expect(codes(facts)).toEqual(['deprecated', 'look_alike', 'install_scripts', 'recently_published'])
  const yanked = { yanked: '', hasInstallScripts: false, publishedAt: null }
  expect(codes({ ...facts, name: 'calendar', info: yanked })).toEqual(['yanked'])
  const fine = { deprecated: null, hasInstallScripts: false, publishedAt: new Date('2025-01-01') }
  expect(codes({ ...facts, name: 'calendar', info: fine })).toEqual([])
})
