import { afterAll, beforeAll, expect, test } from 'vitest'
import { fixture } from '../bridge/bridge-server.ts'
import { send } from '../bridge/http-client.ts'
import { openSession, textOf, toolCall, type SessionClient } from '../bridge/session-client.ts'
import { MIB, startAbused, untilGivenBack, type Abused } from './abused.ts'
import { BAD_BODIES } from './bad-bodies.ts'
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

test.for(BAD_BODIES)('a body with %s is refused, and never reaches the server', async ([, body]) => {
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
  expect((await untilGivenBack(bridge, before, 2 * MIB)).held - before.held).toBeLessThan(2 * MIB)
})

test('20 MiB pass in each direction, several at once, and are not kept', async () => {
  const text = 'x'.repeat(20 * MIB)
  const send20 = async (n: number) => textOf(await session.call('echo', { text }, n)).length
  await send20(0)
  const before = await bridge.memory()
  expect(await Promise.all([1, 2].map(send20))).toEqual([20 * MIB, 20 * MIB])
  await untilGivenBack(bridge, before, 4 * MIB)
}, 60_000)
