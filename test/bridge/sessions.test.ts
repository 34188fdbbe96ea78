import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSessionMemory } from '../../src/bridge/index.ts'
import { CatwalkError } from '../../src/domain/index.ts'
import { fixture, startBridge, type BridgeUnderTest } from './bridge-server.ts'
import { send } from './http-client.ts'
import { continueSession, openSession, toolCall } from './session-client.ts'

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' }

test('initialize is answered per session: the version of the client, the server as it is', async () => {
  await using server = await startBridge(fixture('raw-server'))
  for (const version of ['2025-03-26', '2025-06-18', '2025-11-25']) {
    const { initialized, id } = await openSession(server.url, { version })
    expect(id).toMatch(/^[\x21-\x7e]{1,2048}$/)
    expect(initialized.result).toMatchObject({
      protocolVersion: version,
      serverInfo: { name: 'raw' },
      instructions: 'Mind the edges.',
      capabilities: { tools: { listChanged: true } },
    })
  }
  const { initialized } = await openSession(server.url, { version: '2025-11-25' })
  const odd = await send(
    server.url,
    'POST',
    {},
    JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '1999-01-01', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
    }),
  )
  expect(odd.messages[0]?.result?.['protocolVersion']).toBe('2025-11-25')
  expect(initialized.id).toBe('init')
})

test('initialize without what it needs is refused', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const body = '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}'
  const answer = await send(server.url, 'POST', {}, body)
  expect([answer.status, answer.messages[0]?.error?.code]).toEqual([400, -32602])
})

test('without a session id it is 400, with a forged, foreign or ended one 404', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const session = await openSession(server.url)
  const body = JSON.stringify(PING)
  const statusWith = async (headers: Record<string, string>, method = 'POST') =>
    (await send(server.url, method, headers, method === 'POST' ? body : null)).status

  expect(await statusWith({})).toBe(400)
  const forged = session.id.slice(0, -1) + (session.id.endsWith('A') ? 'B' : 'A')
  for (const id of [forged, '__proto__', 'constructor', 'x', 'A'.repeat(5000)]) {
    expect(await statusWith({ 'mcp-session-id': id })).toBe(404)
    expect(await statusWith({ 'mcp-session-id': id }, 'GET')).toBe(404)
    expect(await statusWith({ 'mcp-session-id': id }, 'DELETE')).toBe(404)
  }
  // Somebody else who got hold of the id.
  expect(await statusWith({ 'mcp-session-id': session.id, 'x-subject': 'thief' })).toBe(404)
  expect((await session.end()).status).toBe(200)
  expect((await session.post(PING)).status).toBe(404)
  expect((await session.end()).status).toBe(404)
})

test('a session goes on in the next bridge, whose client is told to look again', async () => {
  const first = await startBridge(fixture('raw-server'))
  const session = await openSession(first.url)
  await first[Symbol.asyncDispose]()

  await using second = await startBridge(fixture('raw-server'))
  const later = continueSession(second.url, session.id)
  expect(await later.text('echo', { text: 'again' })).toBe('again')
  const stream = await later.listen()
  const methods = [(await stream.next()).method, (await stream.next()).method]
  expect(methods).toEqual(['notifications/tools/list_changed', 'notifications/resources/list_changed'])
  stream.close()
})

test('a session with a process of its own goes on in the next bridge, with the same introduction', async () => {
  const first = await startBridge(fixture('raw-server'))
  const session = await openSession(first.url, {
    capabilities: { sampling: {}, roots: { listChanged: true } },
  })
  await first[Symbol.asyncDispose]()

  await using second = await startBridge(fixture('raw-server'))
  const later = continueSession(second.url, session.id)
  const [one, two] = await Promise.all([later.text('whoami'), later.text('whoami')])
  expect(one).toBe(two)
  expect(JSON.parse(one)).toMatchObject({
    introduction: {
      protocolVersion: '2025-06-18',
      clientInfo: { name: 'test', version: '1' },
      capabilities: { sampling: {}, roots: { listChanged: true } },
    },
  })
  expect(second.launches()).toBe(2)
})

test('a session that was ended stays ended in the next bridge', async () => {
  const memory = createSessionMemory(() => new Date())
  const first = await startBridge(fixture('raw-server'), { memory })
  const session = await openSession(first.url)
  await session.end()
  await first[Symbol.asyncDispose]()
  await using second = await startBridge(fixture('raw-server'), { memory })
  expect((await continueSession(second.url, session.id).post(PING)).status).toBe(404)
})

test.for([
  ['a shared process', {}],
  ['its own process', { sampling: {} }],
] as const)('log level and subscriptions go on in the next bridge, on %s', async ([, capabilities]) => {
  const memory = createSessionMemory(() => new Date())
  const first = await startBridge(fixture('raw-server'), { memory })
  const session = await openSession(first.url, { capabilities })
  const request = (id: number, method: string, params: object) =>
    session.post({ jsonrpc: '2.0', id, method, params })
  await request(1, 'logging/setLevel', { level: 'warning' })
  await request(2, 'resources/subscribe', { uri: 'raw://one' })
  await request(3, 'resources/subscribe', { uri: 'raw://two' })
  await request(4, 'resources/unsubscribe', { uri: 'raw://two' })
  await first[Symbol.asyncDispose]()

  await using second = await startBridge(fixture('raw-server'), { memory })
  const later = continueSession(second.url, session.id)
  const { seen, levels } = JSON.parse(await later.text('seen')) as { seen: string[]; levels: string[] }
  expect(levels).toEqual(['warning'])
  expect(seen.filter((line) => line.includes('resources/'))).toEqual(['resources/subscribe raw://one'])
})

test.for([
  ['a shared process', {}],
  ['its own process', { sampling: {} }],
] as const)('where servers keep state, a session ends with %s: 404', async ([, capabilities]) => {
  const first = await startBridge(fixture('raw-server'), { stateful: true })
  const session = await openSession(first.url, { capabilities })
  expect((await session.post(PING)).status).toBe(200)
  await first[Symbol.asyncDispose]()
  await using second = await startBridge(fixture('raw-server'), { stateful: true })
  const later = continueSession(second.url, session.id)
  expect((await later.listen()).status).toBe(404)
  expect((await later.post(PING)).status).toBe(404)
  expect(second.launches()).toBe(1)
})

test('where servers keep state, the crash of the shared process ends its sessions and no other', async () => {
  await using server = await startBridge(fixture('raw-server'), { stateful: true })
  const [own, shared] = await Promise.all([
    openSession(server.url, { capabilities: { sampling: {} } }),
    openSession(server.url),
  ])
  await shared.call('crash')
  expect((await shared.post(PING)).status).toBe(404)
  expect(await own.text('echo', { text: 'on' })).toBe('on')
  expect(await (await openSession(server.url)).text('echo', { text: 'new' })).toBe('new')
})

test('a session whose notes cannot be read is not continued without them, but may come again', async () => {
  let broken = true
  const memory = {
    ...createSessionMemory(() => new Date()),
    recall: () =>
      broken ? Promise.reject(new CatwalkError('unavailable', 'Not now.')) : Promise.resolve(null),
  }
  const first = await startBridge(fixture('raw-server'))
  const session = await openSession(first.url)
  await first[Symbol.asyncDispose]()
  await using second = await startBridge(fixture('raw-server'), { memory })
  const later = continueSession(second.url, session.id)
  expect((await later.post(PING)).status).toBe(503)
  broken = false
  expect((await later.post(PING)).status).toBe(200)
})

test('a session is worth nothing at another deployment, under another key or after its time', async () => {
  let now = new Date('2026-01-01T00:00:00Z')
  const clock = { now: () => now }
  await using server = await startBridge(fixture('raw-server'), {
    clock,
    limits: { sessionMaxAgeMs: 60_000 },
  })
  const session = await openSession(server.url)
  await using elsewhere = await startBridge(fixture('raw-server'), { clock, deploymentId: 'dep_other' })
  await using rekeyed = await startBridge(fixture('raw-server'), { clock, sealKey: Buffer.alloc(32, 8) })
  expect((await continueSession(elsewhere.url, session.id).post(PING)).status).toBe(404)
  expect((await continueSession(rekeyed.url, session.id).post(PING)).status).toBe(404)
  now = new Date('2026-01-01T00:00:59Z')
  expect((await session.post(PING)).status).toBe(200)
  now = new Date('2026-01-01T00:01:01Z')
  expect((await session.post(PING)).status).toBe(404)
})

test('a session that nobody used is forgotten and comes back with its token', async () => {
  await using server = await startBridge(fixture('raw-server'), {
    limits: { sessionIdleMs: 20, keepAliveMs: 20 },
  })
  const session = await openSession(server.url)
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(await session.text('echo', { text: 'back' })).toBe('back')
  expect(server.launches()).toBe(1)
})

describe('headers', () => {
  let server: BridgeUnderTest
  beforeAll(async () => {
    server = await startBridge(fixture('raw-server'))
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test.for([
    ['POST', { accept: 'application/json' }, 406],
    ['POST', { accept: undefined }, 406],
    ['POST', { accept: 'text/html' }, 406],
    ['POST', { accept: '*/*' }, 200],
    ['POST', { 'content-type': 'text/plain' }, 415],
    ['POST', { 'content-type': undefined }, 415],
    ['POST', { 'mcp-protocol-version': '2024-01-01' }, 400],
    ['POST', { 'mcp-protocol-version': 'x' }, 400],
    ['POST', { 'mcp-protocol-version': undefined }, 200],
    ['POST', { 'mcp-protocol-version': '2025-03-26' }, 200],
    ['GET', { accept: 'application/json' }, 406],
    ['GET', { accept: 'text/event-stream', 'mcp-protocol-version': 'x' }, 400],
    ['DELETE', { 'mcp-protocol-version': 'x' }, 400],
    ['PUT', {}, 405],
    // The modern era has POST only, whatever session is named.
    ['GET', { accept: 'text/event-stream', 'mcp-protocol-version': '2026-07-28' }, 405],
    ['DELETE', { 'mcp-protocol-version': '2026-07-28' }, 405],
  ] as const)('%s with %j is answered with %i', async ([method, headers, status]) => {
    const session = await openSession(server.url)
    const body = method === 'POST' ? JSON.stringify(PING) : null
    const answer = await send(server.url, method, { ...session.headers, ...headers }, body)
    expect(answer.status).toBe(status)
  })
})

test('batches exist in 2025-03-26 only', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const batch = [
    toolCall(1, 'echo', { text: 'one' }),
    { jsonrpc: '2.0', method: 'notifications/x' },
    toolCall('2', 'echo', { text: 'two' }),
  ]
  const old = await openSession(server.url, { version: '2025-03-26' })
  const answer = await old.post(batch)
  expect(answer.headers['content-type']).toBe('application/json')
  expect(new Set(answer.messages.map(({ id }) => id))).toEqual(new Set([1, '2']))
  expect((await old.post([{ jsonrpc: '2.0', method: 'notifications/x' }])).status).toBe(202)
  const streamed = await old.post([
    toolCall(1, 'echo', { text: 'x' }),
    toolCall(2, 'progress', { count: 1 }, { progressToken: 't' }),
  ])
  expect(streamed.headers['content-type']).toBe('text/event-stream')
  expect(streamed.messages.filter(({ id }) => id !== undefined)).toHaveLength(2)
  const recent = await openSession(server.url, { version: '2025-06-18' })
  expect((await recent.post(batch)).status).toBe(400)
})
