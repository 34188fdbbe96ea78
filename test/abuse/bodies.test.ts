import { afterAll, beforeAll, expect, test } from 'vitest'
import { fixture } from '../bridge/bridge-server.ts'
import { send } from '../bridge/http-client.ts'
import { openSession, textOf, toolCall, type SessionClient } from '../bridge/session-client.ts'
import { MIB, startAbused, type Abused } from './abused.ts'
import { httpPost, sendBytes } from './raw-http.ts'

let bridge: Abused
let session: SessionClient
beforeAll(async () => {
  bridge = await startAbused(fixture('raw-server'))
  session = await openSession(bridge.url)
})
afterAll(() => bridge[Symbol.asyncDispose]())

const post = (body: string | Buffer) => send(bridge.url, 'POST', session.headers, body)
/** The server has seen nothing that it could not read: it would have ended. */
const stillWell = async () => expect(await session.text('echo', { text: 'well' })).toBe('well')

test('every prefix of a message is refused, and none reaches the server', async () => {
  const whole = Buffer.from(JSON.stringify(toolCall('ü', 'echo', { text: '€"\\\u0007', n: [1.5e3, null] })))
  const ends = Array.from({ length: whole.length - 1 }, (_, end) => end)
  for (let from = 0; from < ends.length; from += 16) {
    const answers = await Promise.all(ends.slice(from, from + 16).map((end) => post(whole.subarray(0, end))))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400]))
  }
  await stillWell()
})

const nested = (depth: number, open: string, close: string) =>
  `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":${open.repeat(depth)}0${close.repeat(depth)}}}`

test.for([
  ['arrays 1,000,000 deep', nested(1_000_000, '[', ']')],
  ['objects 1,000,000 deep', nested(1_000_000, '{"a":', '}')],
  [
    'an array that is never closed',
    `{"jsonrpc":"2.0","id":1,"method":"ping","params":${'['.repeat(2_000_000)}`,
  ],
  ['an id twice', '{"jsonrpc":"2.0","id":1,"method":"ping","id":2}'],
  ['a method twice', '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}'],
  ['params twice', '{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"params":{}}'],
  [
    'a tool name twice',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","name":"crash"}}',
  ],
  [
    'a tool name twice, once in escapes',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","n\\u0061me":"crash"}}',
  ],
  [
    '_meta twice',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","_meta":{},"_meta":{"progressToken":1}}}',
  ],
  ['two messages', '{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":2,"method":"ping"}'],
  [
    'two messages in two lines',
    '{"jsonrpc":"2.0","id":1,"method":"ping"}\n{"jsonrpc":"2.0","id":2,"method":"ping"}',
  ],
  ['a line break in a string', '{"jsonrpc":"2.0","id":1,"method":"pi\nng"}'],
  ['a control character in a string', '{"jsonrpc":"2.0","id":"\u0001","method":"ping"}'],
  ['a byte order mark', '\uFEFF{"jsonrpc":"2.0","id":1,"method":"ping"}'],
  [
    'half a surrogate pair as bytes',
    Buffer.from([
      ...Buffer.from('{"jsonrpc":"2.0","id":"'),
      0xed,
      0xa0,
      0x80,
      ...Buffer.from('","method":"ping"}'),
    ]),
  ],
  ['an overlong slash', Buffer.from('{"jsonrpc":"2.0","id":1,"method":"tools\xc0\xaflist"}', 'latin1')],
  ['a character cut in the middle', Buffer.from('{"jsonrpc":"2.0","id":1,"method":"\xe2\x82"}', 'latin1')],
  ['a comment', '{"jsonrpc":"2.0","id":1,"method":"ping"/**/}'],
  ['NaN', '{"jsonrpc":"2.0","id":NaN,"method":"ping"}'],
  ['a number with a leading zero', '{"jsonrpc":"2.0","id":01,"method":"ping"}'],
  ['an object as id', '{"jsonrpc":"2.0","id":{},"method":"ping"}'],
  ['an object as method', '{"jsonrpc":"2.0","id":1,"method":{}}'],
  ['a request that is a response too', '{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}'],
  ['a batch in a revision without them', '[{"jsonrpc":"2.0","id":1,"method":"ping"}]'],
  ['a batch of nothing', '[]'],
] as const)('a body with %s is refused, and never reaches the server', async ([, body]) => {
  const answer = await post(body)
  expect([answer.status, answer.messages[0]?.error?.code]).toEqual([400, expect.any(Number)])
  await stillWell()
})

test('a body that ends before its announced length costs nobody anything', async () => {
  const before = await bridge.memory()
  const headers = Object.entries(session.headers).map(([name, value]) => `${name}: ${value}`)
  const head = httpPost(bridge.url, headers, '{"jsonrpc":"2.0",', [`content-length: ${60 * MIB}`])
  await Promise.all(Array.from({ length: 100 }, () => sendBytes(bridge.url, head, { firstMs: 200 })))
  await stillWell()
  expect((await bridge.memory()).held - before.held).toBeLessThan(2 * MIB)
})

test('20 MiB pass in each direction, several at once, and are not kept', async () => {
  const text = 'x'.repeat(20 * MIB)
  const send20 = async (n: number) => textOf(await session.call('echo', { text }, n)).length
  await send20(0)
  const before = await bridge.memory()
  expect(await Promise.all([1, 2].map(send20))).toEqual([20 * MIB, 20 * MIB])
  expect((await bridge.memory()).held - before.held).toBeLessThan(4 * MIB)
}, 60_000)
