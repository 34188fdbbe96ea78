import { expect, test } from 'vitest'
import type { RouteOutput } from '../../src/contract/index.ts'
import { startFakeApi } from '../fakes/api.ts'
import { run } from './run.ts'

type Found = RouteOutput<'listRegistryServers'>

const official: Found['registries'][number] = {
  name: 'official',
  url: 'https://registry.example.com',
  servers: 2,
  syncedAt: '2026-11-25T12:00:00.000Z',
  syncing: false,
  failure: null,
  nextAt: '2026-11-25T13:00:00.000Z',
}
const failing = { ...official, failure: { at: '2026-11-25T12:30:00.000Z', message: 'It is\u001b[2J down.' } }
const server: Found['items'][number] = {
  name: 'io.github.acme/issues',
  title: 'Issues\u001b]0;x\u0007',
  description: 'Reads\nissues.',
  version: '1.0.0',
  status: 'deprecated',
  statusMessage: null,
  source: 'registry:io.github.acme/issues',
  runsFrom: 'package',
  listedBy: [{ registry: 'official', url: null }],
  namespace: 'github',
  repository: null,
  website: null,
  license: null,
  packages: [{ registry: 'npm', name: '@acme/issues', version: '1.0.0' }],
  remotes: [],
  publishedAt: null,
  updatedAt: null,
}

test('registry search prints a row a server, made harmless, and how to go on', async () => {
  await using api = await startFakeApi({
    handlers: { listRegistryServers: () => ({ items: [server], cursor: 'more', registries: [failing] }) },
  })
  const { code, stdout, stderr } = await run(api, ['registry', 'search', 'github', 'issues', '-n', '1'])
  expect(code).toBe(0)
  expect(stdout).toBe('registry:io.github.acme/issues\tnpm\t-\tDeprecated. Issues: Reads issues.\n')
  expect(stderr).toContain('It is down.')
  expect(stderr).toContain('--cursor more')
  expect(stderr).not.toContain('\u001b')
  expect(api.requests[0]?.query).toMatchObject({ q: 'github issues', limit: '1' })
  const machine = await run(api, ['registry', 'search', 'x', '--json'])
  expect(JSON.parse(machine.stdout)).toMatchObject({ items: [{ name: server.name }], cursor: 'more' })
})

test('registry search says why it found nothing', async () => {
  const found: Found = { items: [], cursor: null, registries: [official] }
  await using api = await startFakeApi({ handlers: { listRegistryServers: () => found } })
  expect(await run(api, ['registry', 'search', 'xylophone'])).toMatchObject({
    code: 0,
    stdout: '',
    stderr: 'No server fits these words.\n',
  })
  found.registries.length = 0
  expect((await run(api, ['registry', 'search'])).stderr).toContain('CATWALK_REGISTRY_URL')
})

test('registry sync --wait waits until every registry has answered', async () => {
  let asked = 0
  const items = () => [
    { ...official, syncedAt: (asked += 1) < 3 ? official.syncedAt : '2026-11-25T14:00:00.000Z' },
  ]
  await using api = await startFakeApi({
    handlers: { listRegistries: () => ({ items: items() }), syncRegistries: () => ({ items: items() }) },
  })
  const { code, stdout } = await run(api, ['registry', 'sync', '--wait'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^official\t2\tofficial: as of .* ago\thttps:\/\/registry\.example\.com\n$/)
  expect(asked).toBe(3)
  expect((await run(api, ['registry', 'status', '--json'])).stdout).toContain('14:00:00')
})
