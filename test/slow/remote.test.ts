import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MODES } from '../clients/modes.ts'
import { runCatwalk } from '../program/run-catwalk.ts'
import {
  startLegacyRemote,
  startModernRemote,
  startSseRemote,
  type RemoteServer,
} from '../runtimes/remote-servers.ts'
import { startProgram, type Program } from '../support/program.ts'

const SERVERS = {
  legacy: startLegacyRemote,
  sse: startSseRemote,
  modern: () => startModernRemote('reject'),
} as const
const NAMES = ['legacy', 'sse', 'modern'] as const
const TOKEN = 'a-token-of-nobody'

const stack = new AsyncDisposableStack()
const servers = new Map<string, RemoteServer>()
let program: Program

/** Lets nobody in without the token. */
function locked(server: RemoteServer): void {
  server.gate = (req, res) => {
    if (req.headers.authorization === `Bearer ${TOKEN}`) return false
    res.writeHead(401, { 'www-authenticate': 'Bearer realm="stranger"' })
    res.end('{"error":"missing token"}')
    return true
  }
}

beforeAll(async () => {
  for (const name of NAMES) servers.set(name, stack.use(await SERVERS[name]()))
  program = stack.use(
    await startProgram({
      env: {
        CATWALK_REMOTE_ORIGINS: [...servers.values()].map(({ url }) => new URL(url).origin).join(','),
        CATWALK_LOCAL_RUNTIME: 'false',
      },
    }),
  )
  for (const server of servers.values()) locked(server)
})
afterAll(() => stack.disposeAsync())

async function run(...args: string[]): Promise<{ exitCode: number; document: Record<string, unknown> }> {
  const { exitCode, stdout, stderr } = await runCatwalk(program, [...args, '--json'])
  expect(`${stdout}${stderr}`).not.toContain(TOKEN)
  return { exitCode, document: JSON.parse(stdout === '' ? stderr : stdout) as Record<string, unknown> }
}

const given = ['--header', 'Authorization: Bearer {TOKEN}', '--env', `TOKEN=${TOKEN}`]

describe.each(NAMES)('a remote %s server that wants a token', (name) => {
  test('is analysed without one, and said to want one', async () => {
    const { document } = await run('analyze', servers.get(name)?.url ?? '')
    expect(document).toMatchObject({
      verdict: 'needs_input',
      reason: expect.stringMatching(/answers 401.*wants a token/),
      launch: { package: { registry: 'remote' }, transport: 'http' },
      env: [{ name: 'TOKEN', required: true, secret: true, evidence: [{ reader: 'handshake' }] }],
      proof: { booted: false, failure: { code: 'remote_unauthorized' } },
    })
  })

  test('is not live without it, and the failure says so', async () => {
    const { exitCode, document } = await run(
      'deploy',
      servers.get(name)?.url ?? '',
      '--slug',
      `${name}-closed`,
    )
    expect(exitCode).not.toBe(0)
    expect(document).toMatchObject({ error: 'remote_unauthorized' })
  })

  test('is deployed with it, and official clients of both eras call it', async () => {
    const { exitCode, document } = await run(
      'deploy',
      servers.get(name)?.url ?? '',
      '--slug',
      `${name}-open`,
      ...given,
    )
    expect({ exitCode, document }).toMatchObject({ exitCode: 0, document: { state: 'running' } })
    const headers = { authorization: `Bearer ${String(document['token'])}` }
    for (const mode of MODES.filter(({ name: one }) => /1\.32|pinned|2\.4, legacy$/.test(one))) {
      await using client = await mode.connect(String(document['endpoint']), false, headers)
      expect(await client.call('echo', { text: mode.name })).toBe(mode.name)
    }
    const { stdout } = await runCatwalk(program, ['logs', `${name}-open`])
    expect(stdout).not.toContain(TOKEN)
  })
})

test('a server that the installation may not reach is not asked', async () => {
  await using open = await startModernRemote('stateless')
  // Not among the origins that this installation may reach.
  const { document: refused } = await run('analyze', open.url)
  expect(refused).toMatchObject({ verdict: 'unsupported', proof: { failure: { code: 'remote_refused' } } })
  const { exitCode, document } = await run('deploy', open.url)
  expect(exitCode).not.toBe(0)
  expect(document).toMatchObject({ error: 'remote_refused' })
})

test('a server that is restarted or away while it is deployed serves on when it is back', async () => {
  const server = servers.get('legacy')
  if (server === undefined) throw new Error('no server')
  const { document } = await run('deploy', server.url, '--slug', 'restarted', ...given)
  const headers = { authorization: `Bearer ${String(document['token'])}` }
  const [mode] = MODES
  if (mode === undefined) throw new Error('no client')
  await using client = await mode.connect(String(document['endpoint']), false, headers)
  expect(await client.call('echo', { text: 'one' })).toBe('one')
  await server.restart()
  expect(await client.call('echo', { text: 'two' })).toBe('two')
  await server.goAway()
  await expect(client.call('echo', { text: 'three' })).rejects.toThrow(/cannot be reached/)
  await server.comeBack()
  expect(await client.call('echo', { text: 'four' })).toBe('four')
})

test('a packaged server cannot be put on it, nor a remote one elsewhere or under a limit that nobody can keep', async () => {
  const url = servers.get('modern')?.url ?? ''
  for (const flags of [
    ['--runtime', 'docker'],
    ['--memory', '256'],
    ['--network', 'none'],
  ]) {
    const { exitCode, document } = await run('deploy', url, ...given, ...flags)
    expect(exitCode).not.toBe(0)
    expect(document).toMatchObject({ error: 'runtime_unavailable' })
  }
})
