import { expect, test } from 'vitest'
import { RpcError } from '../../src/domain/index.ts'
import { catwalkErrorOf } from '../support/errors.ts'
import { fixture, startBridge } from './bridge-server.ts'
import { openSession } from './session-client.ts'

const limit = () => AbortSignal.timeout(10_000)
const CALLER = { subject: 'tok_1', requestId: 'req_1' }

test('a probe returns the handshake and all pages of every list', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const manifest = await server.bridge.probe(AbortSignal.timeout(10_000))
  expect(manifest).toMatchObject({
    protocolVersion: '2025-11-25',
    serverInfo: { name: 'raw', version: '1.0.0' },
    instructions: 'Mind the edges.',
    resources: [{ uri: 'raw://one', name: 'one' }],
    resourceTemplates: [],
    prompts: [],
  })
  expect(manifest.tools.length).toBeGreaterThan(10)
  expect(manifest.tools.map(({ name }) => name)).toContain('crash')
  expect(manifest.tools[0]).toHaveProperty('x-unknown', { kept: true })
})

test.for([
  ['silent-server', 'server_silent', 300],
  ['rubbish-server', 'server_not_mcp', 1000],
  ['exiting-server', 'server_exited', 10_000],
  ['refusing-server', 'server_refused', 10_000],
] as const)('the probe of a %s ends with %s', async ([name, code, limitMs]) => {
  await using server = await startBridge(fixture(name))
  const error = await catwalkErrorOf(server.bridge.probe(AbortSignal.timeout(limitMs)))
  expect(error.code).toBe(code)
})

test('a server that exits says how, one that refuses says why', async () => {
  await using exiting = await startBridge(fixture('exiting-server'))
  const exited = await catwalkErrorOf(exiting.bridge.probe(AbortSignal.timeout(10_000)))
  expect(exited.details).toEqual({ exitCode: 3, signal: null })
  await using refusing = await startBridge(fixture('refusing-server'))
  const refused = await catwalkErrorOf(refusing.bridge.probe(AbortSignal.timeout(10_000)))
  expect(refused.message).toContain('No licence for this machine')
})

test('resources and prompts that cannot be listed leave the tools as they are', async () => {
  await using server = await startBridge(fixture('raw-server', '--no-lists'))
  const manifest = await server.bridge.probe(limit())
  expect(manifest.tools.length).toBeGreaterThan(10)
  expect(manifest).toMatchObject({ resources: [], prompts: [] })
})

test('a server that is slow to start is waited for', async () => {
  await using server = await startBridge(fixture('raw-server', '--slow', '400'))
  const [manifest, session] = await Promise.all([
    server.bridge.probe(AbortSignal.timeout(10_000)),
    openSession(server.url),
  ])
  expect(manifest.serverInfo).toMatchObject({ name: 'raw' })
  expect(session.initialized.result).toHaveProperty('serverInfo')
})

test('a session is refused with words when the server never answers', async () => {
  await using server = await startBridge(fixture('silent-server'), { limits: { handshakeMs: 100 } })
  await expect(openSession(server.url)).rejects.toThrow('server_silent')
})

test('requests of our own are answered, refused by the server or given up', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const { bridge } = server
  const echo = { name: 'echo', arguments: { text: 'é' } }
  expect(await bridge.request('tools/call', echo, CALLER, limit())).toEqual({
    content: [{ type: 'text', text: 'é' }],
  })
  const refused = bridge.request('no/such', {}, CALLER, limit())
  await expect(refused).rejects.toThrow(RpcError)
  await expect(refused).rejects.toMatchObject({ rpcCode: -32601 })
  const sleep = { name: 'sleep', arguments: { ms: 20_000 } }
  const silent = await catwalkErrorOf(bridge.request('tools/call', sleep, CALLER, AbortSignal.timeout(100)))
  expect(silent.code).toBe('server_silent')
  const session = await openSession(server.url)
  expect(await session.text('seen')).toContain('notifications/cancelled')
  const crash = await catwalkErrorOf(bridge.request('tools/call', { name: 'crash' }, CALLER, limit()))
  expect(crash.code).toBe('server_exited')
  expect((await catwalkErrorOf(bridge.request('ping', {}, CALLER, limit()))).code).toBe('server_exited')
})
