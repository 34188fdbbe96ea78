import { afterAll, beforeAll, expect, test } from 'vitest'
import { fixture } from '../bridge/bridge-server.ts'
import { openSession, type SessionClient } from '../bridge/session-client.ts'
import { startAbused, type Abused } from './abused.ts'
import { httpPost, sendBytes } from './raw-http.ts'
import { PING, SMUGGLED } from './smuggled.ts'

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

test.for(SMUGGLED)(
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
