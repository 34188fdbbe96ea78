import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fixture, startBridge, type BridgeUnderTest } from './bridge-server.ts'
import { send } from './http-client.ts'
import { openSession, textOf, toolCall } from './session-client.ts'

test('ids of every kind come back to the letter', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const session = await openSession(server.url)
  const ids = [
    '1',
    '-0',
    '1.50',
    '1e2',
    '12345678901234567890',
    '"a"',
    '"\\u0041\\n"',
    '"é€"',
    '""',
    '"__proto__"',
  ]
  for (const id of ids) {
    const body = `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"echo","arguments":{"text":"x"}}}`
    const answer = await session.post(body)
    expect(answer.text).toContain(`"id":${id},`)
    expect(answer.headers['content-type']).toBe('application/json')
    expect(answer.headers['x-content-type-options']).toBe('nosniff')
  }
})

test('an id that the server turned into a string comes back as the client sent it', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const session = await openSession(server.url)
  const answer = await session.post(toolCall(77, 'strange'))
  expect(answer.text).toBe(
    '{"id":77,"x":[1e400,"\\u00e9"],"result":{"big":12345678901234567890},"jsonrpc":"2.0"}',
  )
})

test('the same id from many callers at once, also in one session, crosses no answers', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const sessions = await Promise.all(Array.from({ length: 8 }, () => openSession(server.url)))
  const texts = Array.from({ length: 64 }, (_, i) => `text ${i}`)
  const answers = await Promise.all(
    texts.map(async (text, i) => {
      const session = sessions[i % sessions.length]
      return session === undefined ? '' : textOf(await session.call('echo', { text }, 1))
    }),
  )
  expect(answers).toEqual(texts)
})

test('unicode, line breaks between tokens and unknown members reach the server as they are', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const session = await openSession(server.url)
  const pretty = JSON.stringify(toolCall('p', 'echo', { text: 'é€\u{1f980}\n\r\u2028"\\' }), null, 2)
  const answer = await session.post(pretty.replaceAll('\n', '\r\n'))
  expect(answer.messages.map(textOf)).toEqual(['é€\u{1f980}\n\r\u2028"\\'])
})

test('carriage returns in what a server prints break neither a document nor an event stream', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const session = await openSession(server.url)
  const document = await session.post(toolCall(2, 'carriage'))
  const stream = await session.post(toolCall(2, 'carriage', {}, { progressToken: 'p' }))
  const expected = '{"jsonrpc":"2.0", "id":2 ,"result":{"content":[],"n":1.50}}'
  expect(document.text).toBe(expected)
  expect(stream.headers['content-type']).toBe('text/event-stream')
  expect(stream.text).toContain(`\ndata: ${expected}\n\n`)
})

test('lines that are not MCP go to the output and harm nobody', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const session = await openSession(server.url)
  expect(await session.text('noise')).toBe('noisy')
  expect(await session.text('echo', { text: 'still here' })).toBe('still here')
  expect(server.output).toEqual(['stdout: debug: this is not JSON', 'stdout: {"half": '])
})

test('messages of 20 MiB pass in both directions', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const session = await openSession(server.url)
  const text = 'é'.repeat(10 << 20)
  expect(textOf(await session.call('echo', { text })) === text).toBe(true)
  expect((await session.text('big', { bytes: 20 << 20 })).length).toBe(20 << 20)
})

test('long results reach their own callers whole, as documents and as events, under the ids of those', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const session = await openSession(server.url)
  const texts = Array.from({ length: 6 }, (_, i) => `${i}"\\\n`.padEnd(100_000 * (i + 1), 'é€\u{1f980}x'))
  const calls = texts.map((text, i) =>
    toolCall(`call ${i}`, 'progress', { count: i % 2, text }, { progressToken: i }),
  )
  const answers = await Promise.all(calls.map((call) => session.post(call)))
  expect(answers.map(({ headers }) => headers['content-type'])).toEqual(
    texts.map((_, i) => (i % 2 === 0 ? 'application/json' : 'text/event-stream')),
  )
  const last = answers.map(({ messages }) => messages.at(-1))
  expect(last.map((message) => message?.id)).toEqual(texts.map((_, i) => `call ${i}`))
  expect(last.every((message, i) => message !== undefined && textOf(message) === texts[i])).toBe(true)
})

test('a message over the limit is refused with 413, whether its length was announced or not', async () => {
  await using server = await startBridge(fixture('raw-server'), { limits: { maxMessageBytes: 10_000 } })
  const session = await openSession(server.url)
  const body = JSON.stringify(toolCall(1, 'echo', { text: 'x'.repeat(10_000) }))
  const announced = await session.post(body)
  const chunked = await session.post(body, { 'transfer-encoding': 'chunked' })
  expect([announced.status, chunked.status]).toEqual([413, 413])
  expect(await session.text('echo', { text: 'ok' })).toBe('ok')
})

test('an answer over the limit becomes an error for its caller, who does not wait for ever', async () => {
  await using server = await startBridge(fixture('raw-server'), { limits: { maxMessageBytes: 10_000 } })
  const session = await openSession(server.url)
  const answer = await session.call('big', { bytes: 20_000 })
  expect(answer.error?.message).toContain('the limit is 10000')
  expect(await session.text('echo', { text: 'ok' })).toBe('ok')
})

describe('malformed bodies', () => {
  let server: BridgeUnderTest
  beforeAll(async () => {
    server = await startBridge(fixture('raw-server'))
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test.for([
    ['{"jsonrpc":"2.0","id":1,"method":', -32700],
    ['not json', -32700],
    ['', -32700],
    [Buffer.from('{"jsonrpc":"2.0","id":1,"method":"\xff"}', 'latin1'), -32700],
    ['{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', -32600],
    ['{"jsonrpc":"2.0","\\u0069d":1,"method":"ping"}', -32600],
    [
      `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":${'['.repeat(5000)}${']'.repeat(5000)}}}`,
      -32600,
    ],
    ['{"id":1,"method":"ping"}', -32600],
    ['{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600],
    ['{"jsonrpc":"2.0","id":1,"method":"ping"}\n{"jsonrpc":"2.0","id":2,"method":"ping"}', -32700],
    ['"ping"', -32600],
  ] as const)('%s is refused with 400 and the server never sees it', async ([body, code]) => {
    const session = await openSession(server.url)
    const answer = await send(server.url, 'POST', session.headers, body)
    expect(answer.status).toBe(400)
    expect(answer.messages[0]?.error?.code).toBe(code)
    expect(await session.text('echo', { text: 'ok' })).toBe('ok')
  })
})
