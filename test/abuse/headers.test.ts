import { afterAll, beforeAll, expect, test } from 'vitest'
import { fixture } from '../bridge/bridge-server.ts'
import { openSession, type SessionClient } from '../bridge/session-client.ts'
import { startAbused, type Abused } from './abused.ts'
import { httpPost, sendBytes } from './raw-http.ts'

const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}'
const HIDDEN = 'POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n'

let bridge: Abused
let session: SessionClient
let headers: string[]
beforeAll(async () => {
  bridge = await startAbused(fixture('raw-server'))
  session = await openSession(bridge.url)
  headers = Object.entries(session.headers).map(([name, value]) => `${name}: ${value}`)
})
afterAll(() => bridge[Symbol.asyncDispose]())

const stillWell = async () => expect(await session.text('echo', { text: 'well' })).toBe('well')

test.for([
  ['a length and chunks', ['content-length: 5', 'transfer-encoding: chunked'], `0\r\n\r\n${HIDDEN}`],
  ['chunks and a length', ['transfer-encoding: chunked', 'content-length: 5'], `0\r\n\r\n${HIDDEN}`],
  ['two lengths', ['content-length: 40', 'content-length: 0'], PING + HIDDEN],
  ['a length with a sign', ['content-length: +40'], PING],
  ['a length in hexadecimal', ['content-length: 0x28'], PING],
  ['lengths in a list', ['content-length: 40, 40'], PING],
  ['a negative length', ['content-length: -1'], PING],
  ['a blank before the colon', ['content-length : 40'], PING],
  ['chunked in disguise', ['transfer-encoding: xchunked', 'content-length: 40'], PING + HIDDEN],
  ['chunked twice', ['transfer-encoding: chunked, chunked'], `0\r\n\r\n${HIDDEN}`],
  ['a folded header', ['transfer-encoding:', ' chunked', 'content-length: 40'], PING],
  ['a chunk size that overflows', ['transfer-encoding: chunked'], `fffffffffffffffff\r\n${PING}`],
  ['a chunk size that is none', ['transfer-encoding: chunked'], `28;\n${PING}\r\n0\r\n\r\n`],
  ['a carriage return in a value', ['content-length: 40', 'x: a\rb: c'], PING],
  ['a line feed in a value', ['content-length: 40', 'x: a\nb'], PING],
  ['a NUL in a value', ['content-length: 40', 'x: a\0b'], PING],
  ['a NUL in a name', ['content-length: 40', 'x\0: a'], PING],
  ['100 KiB of headers', ['content-length: 40', `x: ${'a'.repeat(102_400)}`], PING],
] as const)(
  'a request with %s is refused with its connection, and hides no second one',
  async ([, framing, body]) => {
    const { statuses, closed } = await sendBytes(bridge.url, httpPost(bridge.url, headers, body, framing))
    expect(statuses).toHaveLength(1)
    expect(statuses[0]).toBeGreaterThanOrEqual(400)
    expect(closed).toBe(true)
    await stillWell()
  },
)

test('a session id that comes twice is no session id', async () => {
  const twice = [`mcp-session-id: ${session.id}`, `mcp-session-id: ${session.id}`]
  const { statuses } = await sendBytes(bridge.url, httpPost(bridge.url, twice, PING))
  expect(statuses).toEqual([404])
})

test('many requests in one packet are answered in order, each once', async () => {
  const each = Array.from({ length: 50 }, (_, id) =>
    httpPost(bridge.url, headers, `{"jsonrpc":"2.0","id":${id},"method":"ping"}`),
  )
  const { statuses, text } = await sendBytes(bridge.url, each.join(''))
  expect(statuses).toEqual(each.map(() => 200))
  expect([...text.matchAll(/"id":(\d+)/g)].map(([, id]) => Number(id))).toEqual(each.map((_, id) => id))
})

test('what a client says in ids, names and URIs never becomes a header or a line of an answer', async () => {
  const injected = '\r\nset-cookie: owned=1\r\n\r\n<script>'
  const answers = [
    await session.post({ jsonrpc: '2.0', id: injected, method: 'ping' }),
    await session.post({ jsonrpc: '2.0', id: 1, method: injected }),
    await session.post({ jsonrpc: '2.0', id: 1, method: 'resources/subscribe', params: { uri: injected } }),
    await session.post('{"jsonrpc":"2.0","id":1,"method":"ping"', { 'x-request-id': 'chosen' }),
  ]
  for (const answer of answers) {
    expect(answer.headers['set-cookie']).toBeUndefined()
    expect(answer.headers['x-content-type-options']).toBe('nosniff')
    expect(answer.headers['content-type']).toBe('application/json')
    expect(answer.headers['x-request-id']).not.toBe('chosen')
  }
})
