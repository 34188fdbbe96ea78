import { expect, test } from 'vitest'
import { fixture, startBridge } from './bridge-server.ts'
import { PREFIX, VERSION } from './modern-client.ts'
import { openSession, textOf, toolCall } from './session-client.ts'

const MODERN = fixture('raw-modern-server')
const ABLE = { capabilities: { elicitation: {}, sampling: {} }, version: '2025-11-25' }

test('initialize is made from server/discover, for every client on one process', async () => {
  await using server = await startBridge(MODERN)
  const sessions = await Promise.all([openSession(server.url), openSession(server.url, ABLE)])
  expect(sessions.map(({ initialized }) => initialized.result)).toEqual(
    ['2025-06-18', '2025-11-25'].map((protocolVersion) => ({
      protocolVersion,
      capabilities: {
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        logging: {},
      },
      serverInfo: { name: 'raw-modern', version: '1.0.0' },
      instructions: 'Mind.',
    })),
  )
  const [one, two] = await Promise.all(sessions.map((session) => session.text('whoami')))
  expect(one).toBe(two)
  expect(server.launches()).toBe(1)
})

test('each request carries what the client said once, and keeps its own members', async () => {
  await using server = await startBridge(MODERN)
  const session = await openSession(server.url, ABLE)
  const params = { name: 'params', arguments: { é: [1] }, _meta: { 'x/y': 1 } }
  const answer = await session.post({ jsonrpc: '2.0', id: 'ü', method: 'tools/call', params })
  const [message] = answer.messages
  expect(message?.id).toBe('ü')
  expect(JSON.parse(textOf(message ?? {}))).toEqual({
    ...params,
    _meta: {
      'x/y': 1,
      [`${PREFIX}protocolVersion`]: VERSION,
      [`${PREFIX}clientInfo`]: { name: 'test', version: '1' },
      [`${PREFIX}clientCapabilities`]: ABLE.capabilities,
      [`${PREFIX}logLevel`]: 'info',
    },
  })
  expect(
    (await session.post({ jsonrpc: '2.0', id: 1, method: 'tools/list' })).messages[0]?.result,
  ).toBeDefined()
})

test('a client that smuggles members of the other era is refused', async () => {
  await using server = await startBridge(MODERN)
  const session = await openSession(server.url)
  for (const more of [
    { _meta: { [`${PREFIX}clientCapabilities`]: {} } },
    { requestState: 'x' },
    { inputResponses: {} },
  ]) {
    const params = { name: 'echo', ...more }
    const answer = await session.post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
    expect(answer.messages[0]?.error).toMatchObject({ code: -32602 })
  }
})

test('ping and the log level are answered by the bridge; the level goes with each request', async () => {
  await using server = await startBridge(MODERN)
  const session = await openSession(server.url)
  const post = async (method: string, params?: object) =>
    session.post({ jsonrpc: '2.0', id: 1, method, params })
  expect((await post('ping')).messages).toEqual([{ jsonrpc: '2.0', id: 1, result: {} }])
  expect((await post('logging/setLevel', { level: 'loud' })).messages[0]?.error).toMatchObject({
    code: -32602,
  })
  expect((await session.post(toolCall(1, 'log'))).messages).toMatchObject([{ params: { data: 'info' } }, {}])
  expect((await post('logging/setLevel', { level: 'error' })).messages[0]?.result).toEqual({})
  expect((await session.post(toolCall(1, 'log'))).messages).toHaveLength(1)
  expect((await post('tasks/list')).messages[0]?.error).toMatchObject({ code: -32601 })
})

test('what the server needs to know is asked on the stream of the call, as often as it needs', async () => {
  await using server = await startBridge(MODERN)
  const session = await openSession(server.url, ABLE)
  const stream = await session.stream(toolCall('q', 'questions', { x: 1 }))
  const answer = async (id: unknown, result: object) => session.post({ jsonrpc: '2.0', id, result })
  const [form, sample] = [await stream.next(), await stream.next()]
  expect([form.method, sample.method]).toEqual(['elicitation/create', 'sampling/createMessage'])
  await answer(sample.id, { role: 'assistant', content: { type: 'text', text: 'hé' }, model: 'm' })
  await answer(form.id, { action: 'decline' })
  const again = await stream.next()
  expect(again).toMatchObject({ method: 'elicitation/create', params: { message: 'Who?' } })
  await answer(again.id, { action: 'accept', content: { n: 1 } })
  const last = await stream.next()
  expect(last.id).toBe('q')
  const [state, responses] = JSON.parse(textOf(last)) as [string, object]
  expect(JSON.parse(state)).toEqual({
    who: { action: 'decline' },
    what: { role: 'assistant', content: { type: 'text', text: 'hé' }, model: 'm' },
  })
  expect(responses).toEqual({ again: { action: 'accept', content: { n: 1 } } })
  await stream.ended
})

test('an error of the client ends its call; a cancelled call is asked nothing more', async () => {
  await using server = await startBridge(MODERN)
  const session = await openSession(server.url, ABLE)
  const stream = await session.stream(toolCall(1, 'questions'))
  await stream.next()
  const sample = await stream.next()
  await session.post({ jsonrpc: '2.0', id: sample.id, error: { code: -1, message: 'The user said nö.' } })
  expect(await stream.next()).toEqual({
    jsonrpc: '2.0',
    id: 1,
    error: { code: -1, message: 'The user said nö.' },
  })
  const cancelled = await session.stream(toolCall(2, 'questions'))
  const form = await cancelled.next()
  await session.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 2 } })
  await session.post({ jsonrpc: '2.0', id: form.id, result: { action: 'accept' } })
  await cancelled.ended
})

test('a client that offers nothing of the kind gets a plain error', async () => {
  await using server = await startBridge(MODERN)
  const session = await openSession(server.url, { capabilities: { elicitation: {} } })
  expect((await session.call('questions')).error).toMatchObject({ code: -32600 })
  expect((await session.call('needs')).error).toMatchObject({ code: -32600, message: 'needs sampling' })
})

test('a missing resource and structured content are said as the client knows them', async () => {
  await using server = await startBridge(MODERN)
  const session = await openSession(server.url)
  const missing = await session.post({
    jsonrpc: '2.0',
    id: 1,
    method: 'resources/read',
    params: { uri: 'a:b' },
  })
  expect(missing.messages[0]?.error).toMatchObject({ code: -32002, data: { uri: 'a:b' } })
  expect((await session.call('list')).result).not.toHaveProperty('structuredContent')
  const { result } = (await session.post({ jsonrpc: '2.0', id: 2, method: 'tools/list' })).messages[0] ?? {}
  const tools = result?.['tools'] as readonly { name: string }[]
  expect(tools.find(({ name }) => name === 'list')).toEqual({ name: 'list', inputSchema: { type: 'object' } })
})

test('changes reach the session as its era says them: lists everybody, resources who subscribed', async () => {
  await using server = await startBridge(MODERN)
  const [one, two] = await Promise.all([openSession(server.url), openSession(server.url)])
  const [a, b] = await Promise.all([one.listen(), two.listen()])
  const subscribe = async (method: string) =>
    one.post({ jsonrpc: '2.0', id: 1, method, params: { uri: 'a:1' } })
  expect((await subscribe('resources/subscribe')).messages[0]?.result).toEqual({})
  await two.text('updated', { uri: 'a:1' })
  expect(await a.next()).toEqual({
    jsonrpc: '2.0',
    method: 'notifications/resources/updated',
    params: { uri: 'a:1' },
  })
  expect((await subscribe('resources/unsubscribe')).messages[0]?.result).toEqual({})
  await two.text('updated', { uri: 'a:1' })
  await two.text('changed')
  for (const listener of [a, b]) {
    expect(await listener.next()).toEqual({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })
  }
  for (const listener of [a, b]) listener.close()
})

test('progress is reported under the token of the client, also in a later round', async () => {
  await using server = await startBridge(MODERN)
  const session = await openSession(server.url)
  const answer = await session.post(toolCall(1, 'progress', {}, { progressToken: 'mine' }))
  expect(answer.messages[0]).toMatchObject({ params: { progressToken: 'mine' } })
})

test('a request that its client cancels is cancelled upstream', async () => {
  await using server = await startBridge(MODERN)
  const session = await openSession(server.url)
  const sleeping = session.post(toolCall('s', 'sleep', { ms: 20_000 }))
  await session.text('echo')
  await session.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 's' } })
  expect((await sleeping).messages).toEqual([])
  expect(await session.text('seen')).toContain('notifications/cancelled')
})
