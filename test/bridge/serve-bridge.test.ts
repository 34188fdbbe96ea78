import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startBridgeServer } from '../../src/bridge/index.ts'
import { Secret } from '../../src/domain/index.ts'
import { createEndpointClient } from '../../src/forwarding/index.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { until } from '../support/until.ts'
import { fixture } from './bridge-server.ts'
import { send } from './http-client.ts'
import { openSession } from './session-client.ts'

const LOCAL = { port: 0, host: '127.0.0.1' }
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

async function pidOf(session: { text(tool: string): Promise<string> }): Promise<number> {
  return (JSON.parse(await session.text('whoami')) as { pid: number }).pid
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test.for([
  [{ host: 'evil.example' }, 403],
  [{ host: 'localhost.evil.example' }, 403],
  [{ origin: 'https://evil.example' }, 403],
  [{ origin: 'null' }, 403],
  [{ host: 'localhost', origin: 'http://localhost:1234' }, 400],
  [{}, 400],
] as const)('on loopback, %j is answered with %i', async ([headers, status]) => {
  const server = await startBridgeServer({ ...LOCAL, command: fixture('raw-server') })
  try {
    const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}'
    expect((await send(server.url, 'POST', headers, body)).status).toBe(status)
    expect((await send(server.url.replace('/mcp', '/'), 'GET')).status).toBe(404)
  } finally {
    await server.close(0)
  }
})

test('after a crash the server is started again and the session goes on', async () => {
  const server = await startBridgeServer({ ...LOCAL, command: fixture('raw-server') })
  try {
    const session = await openSession(server.url)
    const before = await pidOf(session)
    expect((await session.call('crash')).error?.code).toBe(-32000)
    expect(await pidOf(session)).not.toBe(before)
  } finally {
    await server.close(0)
  }
})

test('a command that cannot be run and a taken port are named', async () => {
  const missing = startBridgeServer({ ...LOCAL, command: ['/nonexistent/program'] })
  expect((await catwalkErrorOf(missing)).message).toContain('/nonexistent/program')
  const server = await startBridgeServer({ ...LOCAL, command: fixture('silent-server') })
  try {
    const taken = startBridgeServer({
      ...LOCAL,
      port: Number(new URL(server.url).port),
      command: fixture('silent-server'),
    })
    expect((await catwalkErrorOf(taken)).code).toBe('port_in_use')
  } finally {
    await server.close(0)
  }
})

test.for(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)(
  '%s of the bridge ends every server process',
  async (signal) => {
    const command = [MAIN, 'bridge', '--port', '0', '--', ...fixture('raw-server')]
    const child = spawn(process.execPath, command, { stdio: ['ignore', 'ignore', 'pipe'] })
    try {
      const [url] = (await once(createInterface({ input: child.stderr }), 'line')) as [string]
      const sessions = await Promise.all([
        openSession(url),
        openSession(url, { capabilities: { roots: {} } }),
      ])
      const pids = await Promise.all(sessions.map(pidOf))
      child.kill(signal)
      const [code, by] = (await once(child, 'exit')) as [number | null, string | null]
      expect([code, by]).toEqual(signal === 'SIGKILL' ? [null, 'SIGKILL'] : [0, null])
      await until('the servers have ended', () => (pids.some(isAlive) ? null : true))
    } finally {
      child.kill('SIGKILL')
    }
  },
)

test('with a secret only who shows it is answered, and sessions go on after a restart', async () => {
  const secret = new Secret('s'.repeat(43))
  const options = { ...LOCAL, command: fixture('raw-server'), secret }
  const client = createEndpointClient()
  const connected = (server: { url: string }) => client.connect(new URL('/', server.url), secret)
  const caller = { subject: 'tok_1', requestId: 'req_1' }
  const first = await startBridgeServer(options)
  let sessionId = ''
  try {
    expect((await send(first.url, 'POST', {}, '{}')).status).toBe(404)
    expect((await send(new URL('/healthz', first.url).href, 'GET')).text).toBe('{"ok":true}')
    const manifest = await connected(first).probe(AbortSignal.timeout(10_000))
    expect(manifest.serverInfo).toMatchObject({ name: 'raw' })
    const headers = { authorization: `Bearer ${secret.reveal()}`, 'catwalk-subject': 'tok_1' }
    sessionId = (await openSession(first.url, { headers })).id
  } finally {
    await first.close(0)
  }
  const second = await startBridgeServer(options)
  try {
    const call = { name: 'echo', arguments: { text: 'ours' } }
    const { content } = await connected(second).request(
      'tools/call',
      call,
      caller,
      AbortSignal.timeout(10_000),
    )
    expect(content).toEqual([{ type: 'text', text: 'ours' }])
    const statusAs = async (subject: string) =>
      (
        await send(
          second.url,
          'POST',
          {
            authorization: `Bearer ${secret.reveal()}`,
            'catwalk-subject': subject,
            'mcp-session-id': sessionId,
          },
          '{"jsonrpc":"2.0","id":1,"method":"ping"}',
        )
      ).status
    expect([await statusAs('tok_1'), await statusAs('tok_2')]).toEqual([200, 404])
  } finally {
    await second.close(0)
    client[Symbol.dispose]()
  }
})
