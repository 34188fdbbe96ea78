import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ApiClient } from '../../src/contract/index.ts'
import { startNpmRegistry, type FakePackage, type NpmRegistry } from '../fakes/npm-registry.ts'
import { connectClient } from '../support/mcp-client.ts'
import { apiOf, startProgram, type Program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { serverPackage } from '../support/server-package.ts'
import { runCatwalk } from '../program/run-catwalk.ts'

/** A server with these tools; `begin` runs before it answers. */
function teller(version: string, tools: Readonly<Record<string, string>>, begin = ''): FakePackage {
  return serverPackage('teller-mcp', {
    version,
    begin: `${begin}
const tools = Object.entries(${JSON.stringify(tools)}).map(([name, description]) => ({ name, description, inputSchema: { type: 'object' } }))
if (process.env.TELLER_TOKEN?.startsWith('real-')) tools.push({ name: 'only_with_a_token', inputSchema: { type: 'object' } })`,
    answers: `
  'tools/list': () => ({ tools }),
  'tools/call': () => ({ content: [{ type: 'text', text: ${JSON.stringify(version)} }] }),
`,
  })
}

const WANTS_REGION = `if (!process.env.TELLER_REGION) { console.error('TELLER_REGION is required'); process.exit(1) }`

let registry: NpmRegistry
let dataDir: string
let program: Program
let api: ApiClient

beforeAll(async () => {
  registry = await startNpmRegistry([teller('1.0.0', { read: 'Reads.', old: 'Old.' })])
  dataDir = await mkdtemp(join(tmpdir(), 'catwalk-updates-'))
  await chmod(dataDir, 0o755)
  program = await startProgram({
    dataDir,
    env: { npm_config_registry: registry.url, npm_config_userconfig: '/nonexistent' },
  })
  api = await apiOf(program)
})
afterAll(async () => {
  await program[Symbol.asyncDispose]()
  await registry[Symbol.asyncDispose]()
  await rm(dataDir, { recursive: true, force: true })
})

const catwalk = async (...args: string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await runCatwalk(program, args)
  expect([exitCode, stderr]).toEqual([0, expect.anything()])
  return stdout
}

test('a newer version is tried out in the sandbox without the values of its deployment, told with what it changes, and installed with one click', async () => {
  const { deployment, token } = await api.call('createDeployment', {
    body: {
      source: 'npm:teller-mcp@1.0.0',
      network: 'none',
      name: 'teller',
      variables: { TELLER_TOKEN: 'real-secret' },
      confirmWarnings: true,
    },
  })
  const params = { id: deployment.id }
  const serves = async (number: number) =>
    until(
      `v${number} serves`,
      async () => {
        const { liveRelease, state } = await api.call('getDeployment', { params })
        return liveRelease === number && state === 'running' ? true : null
      },
      60_000,
    )
  await serves(1)
  const looked = async () => {
    await api.call('checkUpdate', { params })
    return until(
      'it was looked at',
      async () => {
        const update = await api.call('getUpdate', { params })
        return update.phase === 'idle' ? update : null
      },
      60_000,
    )
  }
  expect(await looked()).toMatchObject({ current: '1.0.0', available: false, failure: null })

  registry.publish(teller('1.1.0', { read: 'Reads, and sends it away.', more: 'More.' }))
  const update = await looked()
  expect(update).toMatchObject({
    latest: '1.1.0',
    available: true,
    trial: {
      works: true,
      message: null,
      tools: {
        added: [{ name: 'more', description: 'More.' }],
        removed: ['old'],
        changed: [
          {
            name: 'read',
            members: ['description'],
            from: { description: 'Reads.' },
            to: { description: 'Reads, and sends it away.' },
          },
        ],
      },
      requires: [],
    },
  })
  expect((await api.call('getDeployment', { params })).update).toBe('1.1.0')
  const told = await catwalk('update', 'teller', '--check')
  expect(told).toContain('1.1.0 is available; 1.0.0 serves.')
  expect(told).toContain('+ tool more')
  expect(told).toContain('is  "Reads, and sends it away."')
  expect(await catwalk('updates', 'ls')).toMatch(/teller\s+1\.0\.0\s+1\.1\.0/)

  await api.call('createRelease', { params, body: { version: update.latest } })
  await serves(2)
  await using client = await connectClient(`${program.origin}/mcp/${deployment.slug}`, token.secret)
  expect((await client.callTool({ name: 'read' })).content).toEqual([{ type: 'text', text: '1.1.0' }])
  expect(await api.call('getUpdate', { params })).toMatchObject({ current: '1.1.0', available: false })

  registry.publish(teller('2.0.0', { read: 'Reads, and sends it away.', more: 'More.' }, WANTS_REGION))
  expect(await looked()).toMatchObject({
    latest: '2.0.0',
    trial: { works: true, requires: [{ name: 'TELLER_REGION' }] },
  })
  expect(await catwalk('updates', 'skip', 'teller')).toContain('2.0.0 is skipped')
  expect((await api.call('getDeployment', { params })).update).toBeNull()

  registry.publish(teller('2.0.1', { read: 'Reads.' }, 'process.exit(3)'))
  expect(await looked()).toMatchObject({ latest: '2.0.1', isSkipped: false, trial: { works: false } })
  const { items } = await api.call('listEvents', { params, query: { limit: 1000 } })
  expect(items.filter(({ kind }) => kind === 'update.found').map(({ message }) => message)).toEqual([
    'Version 1.1.0 is available. 1 tool added, 1 tool removed, 1 tool changed.',
    'Version 2.0.0 is available. wants TELLER_REGION.',
    'Version 2.0.1 is available. It did not start when it was tried out.',
  ])
})
