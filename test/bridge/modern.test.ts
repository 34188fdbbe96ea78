import { expect, test } from 'vitest'
import { fixture, startBridge } from './bridge-server.ts'
import { open, send } from './http-client.ts'
import { ask, callTool, modernRequest, PREFIX, stream, VERSION } from './modern-client.ts'
import { textOf } from './session-client.ts'
import { until } from '../support/until.ts'

const MODERN = fixture('raw-modern-server')

test('a modern server is passed through: ids and tokens to the letter, unknown members kept', async () => {
  await using server = await startBridge(MODERN)
  const answers = await Promise.all(
    ['a"é', 7, 1e21, ''].map((id) =>
      ask(server.url, 'tools/call', { name: 'params', x: [1.5] }, { id, meta: { progressToken: 'mine' } }),
    ),
  )
  expect(answers.map(({ messages }) => messages[0]?.id)).toEqual(['a"é', 7, 1e21, ''])
  for (const { messages, status, headers } of answers) {
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('application/json')
    expect(headers['mcp-session-id']).toBeUndefined()
    const result = messages[0]?.result as { resultType: string; content: readonly { text: string }[] }
    expect(result.resultType).toBe('complete')
    const params = JSON.parse(result.content[0]?.text ?? '') as unknown
    expect(params).toMatchObject({
      x: [1.5],
      _meta: { [`${PREFIX}protocolVersion`]: VERSION, progressToken: expect.any(Number) as number },
    })
  }
})

test('progress reaches the request that asked, under its own token, before the result', async () => {
  await using server = await startBridge(MODERN)
  const call = async (progressToken: unknown) =>
    ask(server.url, 'tools/call', { name: 'progress' }, { meta: { progressToken } })
  const answers = await Promise.all([call('same'), call('same'), call(3)])
  expect(answers.map(({ messages }) => messages[0]?.params?.['progressToken'])).toEqual(['same', 'same', 3])
  for (const { messages, eventIds, headers } of answers) {
    expect(messages).toHaveLength(2)
    expect(eventIds).toEqual([])
    expect(headers['x-accel-buffering']).toBe('no')
  }
})

test('server/discover lists no version that we do not speak, and -32022 the same ones', async () => {
  await using server = await startBridge(MODERN)
  const found = await ask(server.url, 'server/discover')
  expect(found.messages[0]?.result).toMatchObject({
    supportedVersions: [VERSION],
    ttlMs: 5,
    instructions: 'Mind.',
  })
  const { body } = modernRequest(
    'server/discover',
    {},
    { meta: { [`${PREFIX}protocolVersion`]: 'v999' }, id: 'x' },
  )
  const refused = await send(
    server.url,
    'POST',
    { 'mcp-protocol-version': 'v999', 'mcp-method': 'server/discover' },
    body,
  )
  expect(refused.status).toBe(400)
  expect(refused.messages[0]).toMatchObject({
    id: 'x',
    error: { code: -32022, data: { supported: [VERSION], requested: 'v999' } },
  })
})

test.each([
  ['no protocol version header', -32020, { 'mcp-protocol-version': undefined }, {}],
  ['another protocol version in the header', -32020, { 'mcp-protocol-version': '2025-11-25' }, {}],
  ['no Mcp-Method', -32020, { 'mcp-method': undefined }, {}],
  ['another Mcp-Method', -32020, { 'mcp-method': 'Tools/call' }, {}],
  ['no Mcp-Name', -32020, { 'mcp-name': undefined }, {}],
  ['another Mcp-Name', -32020, { 'mcp-name': 'ech' }, {}],
  ['an Mcp-Name with broken base64', -32020, { 'mcp-name': '=?base64?ZWNobw?=' }, {}],
  ['no protocol version in the body', -32602, {}, { [`${PREFIX}protocolVersion`]: undefined }],
  ['no capabilities in the body', -32602, {}, { [`${PREFIX}clientCapabilities`]: undefined }],
  ['capabilities that are no object', -32602, {}, { [`${PREFIX}clientCapabilities`]: 'all' }],
  ['a log level that there is not', -32602, {}, { [`${PREFIX}logLevel`]: 'loud' }],
])('%s is refused with %i and status 400', async (_what, code, headers, meta) => {
  await using server = await startBridge(MODERN)
  const answer = await ask(server.url, 'tools/call', { name: 'echo' }, { id: 5, headers, meta })
  expect(answer.status).toBe(400)
  expect(answer.messages[0]).toMatchObject({ id: 5, error: { code } })
})

test('names that are no plain ASCII are compared after decoding', async () => {
  await using server = await startBridge(MODERN)
  const uri = 'test://größe'
  const answer = await ask(server.url, 'resources/read', { uri })
  expect(answer.messages[0]?.error).toMatchObject({ code: -32602, data: { uri } })
})

test('arguments that a tool wants in headers must be there and say the same', async () => {
  await using server = await startBridge(MODERN)
  const call = async (given: object, headers: Record<string, string>) =>
    ask(server.url, 'tools/call', { name: 'region', arguments: given }, { headers })
  const given = { zone: { name: 'süd' }, size: 42 }
  expect((await call(given, {})).messages[0]?.error?.code).toBe(-32020)
  const zone = `=?base64?${Buffer.from('süd').toString('base64')}?=`
  expect((await call(given, { 'mcp-param-zone': zone })).status).toBe(400)
  expect((await call(given, { 'mcp-param-zone': zone, 'mcp-param-size': '43' })).status).toBe(400)
  expect((await call(given, { 'mcp-param-zone': 'süd', 'mcp-param-size': '42' })).status).toBe(400)
  expect((await call(given, { 'mcp-param-zone': zone, 'mcp-param-size': '42.0' })).status).toBe(200)
  expect((await call({ zone: { name: null } }, {})).status).toBe(200)
})

test('an unknown method is 404, a missing capability 400, any other error 200', async () => {
  await using server = await startBridge(MODERN)
  expect((await ask(server.url, 'initialize')).status).toBe(404)
  expect((await ask(server.url, 'tools/call', { name: 'needs' })).status).toBe(400)
  expect((await ask(server.url, 'resources/read', { uri: 'a:b' })).status).toBe(200)
})

test('a client that closes the connection cancels its request upstream', async () => {
  await using server = await startBridge(MODERN)
  const { headers, body } = modernRequest('tools/call', { name: 'sleep', arguments: { ms: 20_000 } })
  const { request, response } = open(server.url, 'POST', headers, body)
  response.catch(() => undefined)
  await callTool(server.url, 'echo')
  request.destroy()
  const heard = await until('the server hears of it', async () => {
    const seen = textOf(await callTool(server.url, 'seen'))
    return seen === '[]' ? null : seen
  })
  expect(heard).toContain('notifications/cancelled')
})

test('a subscription has the id of its request in all its messages, and each gets what it asked for', async () => {
  await using server = await startBridge(MODERN)
  const tools = await stream(
    server.url,
    'subscriptions/listen',
    { notifications: { toolsListChanged: true } },
    { id: 'tools' },
  )
  const one = await stream(
    server.url,
    'subscriptions/listen',
    { notifications: { resourceSubscriptions: ['a:1'] } },
    { id: 'one' },
  )
  for (const [listener, id] of [
    [tools, 'tools'],
    [one, 'one'],
  ] as const) {
    expect(await listener.next()).toMatchObject({
      method: 'notifications/subscriptions/acknowledged',
      params: { _meta: { [`${PREFIX}subscriptionId`]: id } },
    })
  }
  await callTool(server.url, 'updated', { uri: 'a:1' })
  await callTool(server.url, 'changed')
  expect(await tools.next()).toMatchObject({
    method: 'notifications/tools/list_changed',
    params: { _meta: { [`${PREFIX}subscriptionId`]: 'tools' } },
  })
  expect(await one.next()).toMatchObject({
    params: { uri: 'a:1', _meta: { [`${PREFIX}subscriptionId`]: 'one' } },
  })
  await callTool(server.url, 'hangUp')
  expect(await one.next()).toMatchObject({
    id: 'one',
    result: { resultType: 'complete', _meta: { [`${PREFIX}subscriptionId`]: 'one' } },
  })
  await Promise.all([tools.ended, one.ended])
})

test('a log message reaches the only request that asked for it; with several it goes to the log', async () => {
  await using server = await startBridge(MODERN)
  const meta = { [`${PREFIX}logLevel`]: 'debug' }
  expect((await ask(server.url, 'tools/call', { name: 'log' }, { meta })).messages).toHaveLength(2)
  expect((await ask(server.url, 'tools/call', { name: 'log' })).messages).toHaveLength(1)
  expect(server.output.join()).toContain('unasked')
})

test('a batch, a response and rubbish are refused with 400, a notification is taken', async () => {
  await using server = await startBridge(MODERN)
  const headers = { 'mcp-protocol-version': VERSION }
  const { body } = modernRequest('tools/list', {})
  expect((await send(server.url, 'POST', headers, `[${body}]`)).status).toBe(400)
  expect((await send(server.url, 'POST', headers, '{"jsonrpc":"2.0","id":1,"result":{}}')).status).toBe(400)
  expect(
    (await send(server.url, 'POST', headers, '{"jsonrpc":"2.0","method":"notifications/x"}')).status,
  ).toBe(202)
})

test('a slow reader holds the server back instead of filling memory, and loses nothing', async () => {
  await using server = await startBridge(fixture('raw-modern-server'), {
    limits: { slowStreamBytes: 100_000 },
  })
  const count = 150_000
  const { headers, body } = modernRequest(
    'tools/call',
    { name: 'progress', arguments: { count } },
    { meta: { progressToken: 'slow' } },
  )
  const res = await open(server.url, 'POST', headers, body).response
  res.pause()
  const behind = callTool(server.url, 'echo', { text: 'behind all of it' })
  // What does not fit the sockets' buffers stays with the server, and so does the answer behind it.
  const first = await Promise.race([behind, new Promise((resolve) => setTimeout(resolve, 1500, 'held back'))])
  expect(first).toBe('held back')
  let text = ''
  for await (const part of res.setEncoding('utf8')) text += String(part)
  expect(text.split('"progressToken":"slow"').length - 1).toBe(count)
  expect(textOf(await behind)).toBe('behind all of it')
})

test('a reader that takes nothing for too long is cut off, its call cancelled, and the others go on', async () => {
  await using server = await startBridge(fixture('raw-modern-server'), {
    limits: { slowStreamBytes: 100_000, stalledMs: 100, keepAliveMs: 40 },
  })
  const { headers, body } = modernRequest(
    'tools/call',
    { name: 'progress', arguments: { count: 150_000 } },
    { meta: { progressToken: 'stuck' } },
  )
  const res = await open(server.url, 'POST', headers, body).response
  res.on('error', () => undefined)
  res.pause()
  expect(textOf(await callTool(server.url, 'echo', { text: 'goes on' }))).toBe('goes on')
  expect(textOf(await callTool(server.url, 'seen'))).toContain('notifications/cancelled')
})
