import { afterAll, beforeAll, expect, test } from 'vitest'
import { fixture } from '../bridge/bridge-server.ts'
import { send } from '../bridge/http-client.ts'
import { openSession, textOf, toolCall } from '../bridge/session-client.ts'
import { startAbused, type Abused } from './abused.ts'

let bridge: Abused
beforeAll(async () => {
  bridge = await startAbused(fixture('raw-server'))
})
afterAll(() => bridge[Symbol.asyncDispose]())

test('one id from 16 sessions, 16 times at once in each, crosses and loses no answer', async () => {
  const sessions = await Promise.all(Array.from({ length: 16 }, () => openSession(bridge.url)))
  const asked = sessions.flatMap((session, s) =>
    Array.from({ length: 16 }, async (_, n) => {
      const text = `session ${s}, call ${n}`
      const tool = n % 2 === 0 ? 'echo' : 'sleep'
      const answer = await session.call(tool, { text, ms: 1 + ((s * 7 + n * 3) % 40) }, 7)
      return { expected: text, text: textOf(answer), id: answer.id }
    }),
  )
  for (const { expected, text, id } of await Promise.all(asked)) expect([id, text]).toEqual([7, expected])
})

test('one progress token in many sessions at once reports to each call its own progress, all of it, in order', async () => {
  const sessions = await Promise.all(Array.from({ length: 8 }, () => openSession(bridge.url)))
  const runs = sessions.flatMap((session, s) =>
    [0, 1].map(async (n) => {
      const count = 20 + s * 10 + n
      const { messages } = await session.post(toolCall(n, 'progress', { count }, { progressToken: 'token' }))
      const reports = messages.filter(({ method }) => method === 'notifications/progress')
      expect(reports.map(({ params }) => params?.['progress'])).toEqual(
        Array.from({ length: count }, (_, i) => i + 1),
      )
      expect(new Set(reports.map(({ params }) => params?.['progressToken']))).toEqual(new Set(['token']))
    }),
  )
  await Promise.all(runs)
})

const POISON = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', '\u0000', '\r\nx: y', '\u2028']

test.for(POISON)('%j is an id, a progress token and a name like any other', async (name) => {
  const session = await openSession(bridge.url)
  expect(await session.call('echo', { text: 'it' }, name)).toMatchObject({ id: name, result: {} })
  const { messages } = await session.post(toolCall(name, 'progress', { count: 2 }, { progressToken: name }))
  expect(messages.map(({ params }) => params?.['progressToken'])).toEqual([name, name, undefined])
  const cancelled = { method: 'notifications/cancelled', params: { requestId: name } }
  expect((await session.post({ jsonrpc: '2.0', ...cancelled })).status).toBe(202)
  for (const method of ['resources/subscribe', 'resources/unsubscribe']) {
    const answer = await session.post({ jsonrpc: '2.0', id: 1, method, params: { uri: name } })
    expect(answer.messages[0]).toMatchObject({ id: 1, result: {} })
  }
  expect((await session.post({ jsonrpc: '2.0', id: name, result: {} })).status).toBe(202)
  expect(await session.text('echo', { text: 'well' })).toBe('well')
})

test.for(['__proto__', 'constructor', '../..', 'a'.repeat(7000), '%00', '0'])(
  'a session id %.20j is unknown, and harms nobody',
  async (id) => {
    for (const method of ['POST', 'GET', 'DELETE']) {
      const body = method === 'POST' ? '{"jsonrpc":"2.0","id":1,"method":"ping"}' : null
      const { status } = await send(bridge.url, method, { 'mcp-session-id': id }, body)
      expect(status).toBe(404)
    }
    expect(await (await openSession(bridge.url)).text('echo', { text: 'well' })).toBe('well')
  },
)

test('members that name a prototype do not become one, and reach the server as they are', async () => {
  const session = await openSession(bridge.url)
  const params =
    '{"name":"echo","__proto__":{"polluted":1},"arguments":{"__proto__":{"text":"no"},"text":"yes"}}'
  const { messages } = await session.post(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`)
  expect(textOf(messages[0] ?? {})).toBe('yes')
  expect(bridge.alive).toBe(true)
})
