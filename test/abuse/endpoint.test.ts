// The same mistreatment as of a bridge alone, through a deployed endpoint: the gateway, a token and a sandbox besides.
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fixture } from '../bridge/bridge-server.ts'
import { open, send } from '../bridge/http-client.ts'
import { openSession, textOf, toolCall, type SessionClient } from '../bridge/session-client.ts'
import { bundledPackage } from '../support/bundle.ts'
import { until } from '../support/until.ts'
import { startAbusedProgram, type AbusedProgram } from './abused-program.ts'
import { MIB, untilGivenBack } from './abused.ts'
import { BAD_BODIES } from './bad-bodies.ts'
import { openModern, modernTool } from './modern-client.ts'
import { httpPost, sendBytes } from './raw-http.ts'
import { PING, SMUGGLED } from './smuggled.ts'

let program: AbusedProgram
let url: string
/** Of two callers. */
let ann: Record<string, string>
let ben: Record<string, string>
let session: SessionClient

beforeAll(async () => {
  const [, path] = fixture('raw-server')
  program = await startAbusedProgram([await bundledPackage('raw-mcp', path ?? '')], 'npm:raw-mcp', {
    CATWALK_TOKEN_REQUESTS_PER_MINUTE: '0',
    CATWALK_ADDRESS_REQUESTS_PER_MINUTE: '0',
    CATWALK_TOKEN_CONCURRENCY: '1000',
    CATWALK_DEPLOYMENT_CONCURRENCY: '1000',
  })
  url = program.endpoint
  ann = { authorization: `Bearer ${program.token}` }
  ben = { authorization: `Bearer ${await program.anotherToken()}` }
  session = await openSession(url, { headers: ann })
})
afterAll(() => program[Symbol.asyncDispose]())

const stillWell = async () => expect(await session.text('echo', { text: 'well' })).toBe('well')

test('one id from many callers, several times at once in each session, crosses and loses no answer', async () => {
  const sessions = await Promise.all(
    Array.from({ length: 12 }, (_, n) => openSession(url, { headers: n % 2 === 0 ? ann : ben })),
  )
  const asked = sessions.flatMap((one, s) =>
    Array.from({ length: 8 }, async (_, n) => {
      const text = `session ${s}, call ${n}`
      return [text, await one.call(n % 2 === 0 ? 'echo' : 'sleep', { text, ms: 5 }, '__proto__')] as const
    }),
  )
  for (const [text, answer] of await Promise.all(asked))
    expect([answer.id, textOf(answer)]).toEqual(['__proto__', text])
})

test('one progress token in two sessions of two callers reports to each its own', async () => {
  const both = await Promise.all([ann, ben].map(async (headers) => openSession(url, { headers })))
  const counts = await Promise.all(
    both.map(async (one, n) => {
      const { messages } = await one.post(
        toolCall(1, 'progress', { count: 20 + n }, { progressToken: 'same' }),
      )
      return messages.filter(({ params }) => params?.['progressToken'] === 'same').length
    }),
  )
  expect(counts).toEqual([20, 21])
})

test.for(BAD_BODIES)('a body with %s is refused, and never reaches the server', async ([, body]) => {
  const answer = await send(url, 'POST', session.headers, body)
  expect([answer.status, answer.messages[0]?.error?.code]).toEqual([400, expect.any(Number)])
  await stillWell()
})

test.for(SMUGGLED)(
  'a request with %s is refused with its connection, and hides no second one',
  async ([, framing, body]) => {
    const headers = Object.entries(session.headers).map(([name, value]) => `${name}: ${value}`)
    const { statuses, closed } = await sendBytes(url, httpPost(url, headers, body, framing))
    expect(statuses).toHaveLength(1)
    expect(statuses[0]).toBeGreaterThanOrEqual(400)
    expect(closed).toBe(true)
    await stillWell()
  },
)

test('what a client says never becomes a header of an answer', async () => {
  const injected = '\r\nset-cookie: owned=1\r\n\r\n<script>'
  for (const body of [
    { jsonrpc: '2.0', id: injected, method: 'ping' },
    { jsonrpc: '2.0', id: 1, method: injected },
  ]) {
    const { headers } = await session.post(body)
    expect([headers['set-cookie'], headers['x-content-type-options']]).toEqual([undefined, 'nosniff'])
  }
})

test('20 MiB pass in each direction, and are not kept', async () => {
  const text = 'x'.repeat(20 * MIB)
  const sent = async () => textOf(await session.call('echo', { text })).length
  await sent()
  const before = await program.memory()
  expect(await Promise.all([sent(), sent()])).toEqual([20 * MIB, 20 * MIB])
  await untilGivenBack(program, before, 4 * MIB)
})

test('readers that take nothing cost bounded memory, and the others are served', async () => {
  const before = await program.memory()
  const stuck = Array.from({ length: 40 }, (_, id) =>
    open(url, 'POST', session.headers, JSON.stringify(toolCall(id, 'big', { bytes: 4 * MIB }))),
  )
  const responses = await Promise.all(stuck.slice(0, 4).map(({ response }) => response))
  for (const response of responses) response.pause()
  expect((await program.memory()).held - before.held).toBeLessThan(192 * MIB)
  await stillWell()
  for (const { request } of stuck) request.destroy()
  await untilGivenBack(program, before, 8 * MIB)
})

/** How often the server was told that a call is cancelled. */
const cancellations = async () => (await session.text('seen')).split('notifications/cancelled').length - 1

test('legacy: who vanishes in the middle of a call has not cancelled it, and finds its result when it comes back', async () => {
  const resumable = await openSession(url, { headers: ann, version: '2025-11-25' })
  const call = toolCall('late', 'announced', { ms: 500 }, { progressToken: 't' })
  const before = await cancellations()
  const { request, response } = open(url, 'POST', resumable.headers, JSON.stringify(call))
  const [first] = (await once((await response).setEncoding('utf8'), 'data')) as [string]
  request.destroy()
  const from = [...first.matchAll(/^id: (\S+)/gm)].at(-1)?.[1] ?? ''
  const resumed = await resumable.listen({ 'last-event-id': from })
  const next = await resumed.next()
  // The progress comes again if its event was not read yet.
  expect(next.method === undefined ? next : await resumed.next()).toMatchObject({ id: 'late', result: {} })
  await resumed.ended
  expect(await cancellations()).toBe(before)
})

test('modern: who vanishes in the middle of a call has it cancelled at the server', async () => {
  const before = await cancellations()
  const call = modernTool('announced', {}, { headers: ann, progressToken: 't' })
  const vanishing = Array.from({ length: 20 }, () => openModern(url, call))
  for (const { response } of vanishing) await once(await response, 'data')
  for (const { request } of vanishing) request.destroy()
  await expect.poll(cancellations, { timeout: 5000 }).toBe(before + 20)
})

async function abandonSessions(count: number): Promise<void> {
  for (let opened = 0; opened < count; opened += 20)
    await Promise.all(Array.from({ length: 20 }, async () => openSession(url, { headers: ben })))
}

test('1,000 abandoned sessions hold next to nothing', async () => {
  await abandonSessions(1000)
  const before = await program.memory()
  await abandonSessions(1000)
  expect((await untilGivenBack(program, before, 5 * MIB)).held - before.held).toBeLessThan(5 * MIB)
  await stillWell()
})

test('a storm of reconnecting listeners loses no event and repeats none', async () => {
  const listeners = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const one = await openSession(url, { headers: ben })
      const subscribe = { method: 'resources/subscribe', params: { uri: 'raw://storm' } }
      await one.post({ jsonrpc: '2.0', id: 1, ...subscribe })
      return { one, heard: new Array<unknown>(), last: new Array<string>() }
    }),
  )
  let spoken = 0
  const speak = async () => session.call('updated', { text: `raw://storm/${++spoken}` })
  for (let round = 0; round < 30; round++) {
    await speak()
    await Promise.all(
      listeners.map(async ({ one, heard, last }) => {
        const [from] = last
        const stream = await one.listen(from === undefined ? {} : { 'last-event-id': from })
        while (heard.length < spoken) heard.push((await stream.next()).params?.['uri'])
        last[0] = stream.lastEventId() ?? from ?? ''
        stream.close()
      }),
    )
  }
  const all = Array.from({ length: spoken }, (_, n) => `raw://storm/${n + 1}`)
  for (const { heard } of listeners) expect(heard).toEqual(all)
})

test('a server that dies while 50 callers wait: each gets an error at once, and the next call starts it again', async () => {
  const waiting = Array.from({ length: 50 }, async (_, id) => session.call('sleep', { ms: 30_000 }, id))
  await stillWell()
  const diedAt = performance.now()
  await session.call('crash')
  const answers = await Promise.all(waiting)
  expect(performance.now() - diedAt).toBeLessThan(2000)
  expect(answers.map(({ id, error }) => [id, error?.data?.['error']])).toEqual(
    answers.map((_, id) => [id, 'server_exited']),
  )
  await until('it answers again', async () => {
    const { status } = await send(url, 'POST', session.headers, PING)
    return status === 200 ? true : null
  })
  await stillWell()
})
