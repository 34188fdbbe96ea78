import { expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { fixture, startBridge } from './bridge-server.ts'
import { open } from './http-client.ts'
import { openSession, textOf, toolCall } from './session-client.ts'

test('progress goes to the request that asked, under its own token, all of it and in order', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const sessions = await Promise.all([openSession(server.url), openSession(server.url)])
  const answers = await Promise.all(
    sessions.flatMap((session, i) =>
      // The same token in both sessions, and as a string and a number in one.
      ['t', 7].map((progressToken, j) =>
        session.post(toolCall(1, 'progress', { count: 200, text: `${i}${j}` }, { progressToken })),
      ),
    ),
  )
  for (const [i, answer] of answers.entries()) {
    const progress = answer.messages.slice(0, -1)
    expect(progress).toHaveLength(200)
    expect(progress.map(({ params }) => params?.['progress'])).toEqual(progress.map((_, k) => k + 1))
    expect(new Set(progress.map(({ params }) => params?.['progressToken']))).toEqual(
      new Set([i % 2 === 0 ? 't' : 7]),
    )
    expect(answer.messages.at(-1)).toMatchObject({ id: 1 })
  }
})

test('progress that nobody asked for goes nowhere', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const session = await openSession(server.url)
  const answer = await session.post(toolCall(1, 'progress', { count: 3 }))
  expect(answer.headers['content-type']).toBe('application/json')
})

test('after a silence the answer becomes a stream that shows it is alive', async () => {
  await using server = await startBridge(fixture('raw-server'), { limits: { keepAliveMs: 40 } })
  const session = await openSession(server.url)
  const answer = await session.post(toolCall(1, 'sleep', { ms: 250 }))
  expect(answer.headers['content-type']).toBe('text/event-stream')
  expect(answer.headers['x-accel-buffering']).toBe('no')
  expect(answer.text.split('\n').filter((line) => line.startsWith(':')).length).toBeGreaterThan(1)
  expect(answer.messages.map(textOf)).toEqual(['slept'])
})

test.for([
  ['2025-11-25', true],
  ['2025-06-18', false],
] as const)('a stream of %s begins with a priming event: %s', async ([version, primed]) => {
  await using server = await startBridge(fixture('raw-server'))
  const session = await openSession(server.url, { version })
  const answer = await session.post(toolCall(1, 'progress', { count: 1 }, { progressToken: 1 }))
  expect(/^id: \S+\ndata: \n\n/.test(answer.text)).toBe(primed)
})

test('a lost connection does not cancel the call, and its stream can be resumed without loss or repetition', async () => {
  await using server = await startBridge(fixture('raw-server'), { limits: { keepAliveMs: 20 } })
  const session = await openSession(server.url, { version: '2025-11-25' })
  const call = await session.stream(toolCall('long', 'sleep', { ms: 300, text: 'kept' }))
  await until('the priming event', () => call.lastEventId() ?? null)
  call.close()
  const resumed = await session.listen({ 'last-event-id': call.lastEventId() })
  expect(resumed.status).toBe(200)
  expect(await resumed.next()).toMatchObject({ id: 'long', result: { content: [{ text: 'kept' }] } })
  await resumed.ended
  const again = await session.listen({ 'last-event-id': resumed.lastEventId() })
  expect(again.status).toBe(204)
  expect(await session.text('seen')).not.toContain('cancelled')
})

test('an answer that came while nobody was connected waits for the client', async () => {
  await using server = await startBridge(fixture('raw-server'), { limits: { keepAliveMs: 20 } })
  const session = await openSession(server.url, { version: '2025-11-25' })
  const call = await session.stream(toolCall('x', 'sleep', { ms: 150, text: 'waited' }))
  await until('the priming event', () => call.lastEventId() ?? null)
  call.close()
  // Another call that takes longer shows that the first one has been answered.
  await session.text('sleep', { ms: 200 })
  const resumed = await session.listen({ 'last-event-id': call.lastEventId() })
  expect(textOf(await resumed.next())).toBe('waited')
})

test('a stream is never resumed in another session, nor from an id that nobody gave out', async () => {
  await using server = await startBridge(fixture('raw-server'), { limits: { keepAliveMs: 20 } })
  const mine = await openSession(server.url, { version: '2025-11-25' })
  const other = await openSession(server.url, { version: '2025-11-25' })
  const call = await mine.stream(toolCall('x', 'sleep', { ms: 400, text: 'secret' }))
  const id = await until('the priming event', () => call.lastEventId() ?? null)
  for (const unknown of [id, 'x', `${id}0`, 'a.1.1', '__proto__', `${id}\u00e9`]) {
    const answer = await other.listen({ 'last-event-id': unknown })
    expect(answer.status).toBe(400)
  }
  // The session itself is unharmed.
  expect(await other.text('echo', { text: 'ok' })).toBe('ok')
  call.close()
})

test('what no longer fits the buffer is refused at resumption, not left out silently', async () => {
  await using server = await startBridge(fixture('raw-server'), { limits: { streamBufferBytes: 2000 } })
  const session = await openSession(server.url, { version: '2025-11-25' })
  const answer = await session.post(toolCall(1, 'progress', { count: 100 }, { progressToken: 1 }))
  const [first] = answer.eventIds
  const last = answer.eventIds.at(-2)
  expect((await session.listen({ 'last-event-id': first })).status).toBe(400)
  const resumed = await session.listen({ 'last-event-id': last })
  expect(await resumed.next()).toMatchObject({ id: 1 })
})

test('list changes reach every session once, whether it listens now or later', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const [now, later, caller] = await Promise.all([1, 2, 3].map(() => openSession(server.url)))
  if (now === undefined || later === undefined || caller === undefined) throw new Error('three were opened')
  const stream = await now.listen()
  const twin = await now.listen()
  await caller.text('changed')
  expect((await twin.next()).method).toBe('notifications/tools/list_changed')
  const late = await later.listen()
  expect((await late.next()).method).toBe('notifications/tools/list_changed')
  expect(stream.lines.filter((line) => line.startsWith('data: {'))).toEqual([])
  for (const each of [stream, twin, late]) each.close()
})

test('a cancelled call ends without an answer, is cancelled at the server, and nobody else is', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const [one, two] = await Promise.all([openSession(server.url), openSession(server.url)])
  const cancelled = one.post(toolCall(5, 'sleep', { ms: 20_000 }))
  const untouched = two.post(toolCall(5, 'sleep', { ms: 300, text: 'untouched' }))
  await one.text('echo', { text: 'both are under way' })
  const params = { requestId: 5, reason: 'test' }
  const notification = { jsonrpc: '2.0', method: 'notifications/cancelled', params }
  expect((await one.post(notification)).status).toBe(202)
  const answer = await cancelled
  expect([answer.status, answer.messages]).toEqual([200, []])
  expect((await untouched).messages.map(textOf)).toEqual(['untouched'])
  expect(JSON.parse(await two.text('seen'))).toMatchObject({
    seen: ['notifications/initialized', 'notifications/cancelled'],
  })
})

test('the end of a session cancels its calls and ends its streams', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const [one, two] = await Promise.all([openSession(server.url), openSession(server.url)])
  const stream = await one.listen()
  const call = one.post(toolCall(1, 'sleep', { ms: 20_000 }))
  await one.text('echo', { text: 'under way' })
  await one.end()
  expect((await call).messages).toEqual([])
  await stream.ended
  expect(await two.text('seen')).toContain('notifications/cancelled')
})

test('clients that vanish leave nothing behind that the server would notice', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const session = await openSession(server.url)
  for (let i = 0; i < 20; i++) {
    const { request } = open(
      server.url,
      'POST',
      session.headers,
      JSON.stringify(toolCall(i, 'sleep', { ms: 5 })),
    )
    request.once('socket', (socket) => socket.once('connect', () => request.destroy()))
  }
  expect(await session.text('echo', { text: 'fine' })).toBe('fine')
})

test('a slow reader holds the server back instead of filling memory, and loses nothing', async () => {
  await using server = await startBridge(fixture('raw-server'), {
    limits: { slowStreamBytes: 100_000, streamBufferBytes: 100_000 },
  })
  const [session, other] = await Promise.all([openSession(server.url), openSession(server.url)])
  const count = 150_000
  const body = JSON.stringify(toolCall(1, 'progress', { count }, { progressToken: 'slow' }))
  const { response } = open(server.url, 'POST', session.headers, body)
  const res = await response
  res.pause()
  const behind = other.text('echo', { text: 'behind all of it' })
  // What does not fit the sockets' buffers stays with the server, and so does the answer behind it.
  const first = await Promise.race([behind, new Promise((resolve) => setTimeout(resolve, 1500, 'held back'))])
  expect(first).toBe('held back')
  let text = ''
  for await (const part of res.setEncoding('utf8')) text += String(part)
  expect(text.split('"progressToken":"slow"').length - 1).toBe(count)
  expect(await behind).toBe('behind all of it')
})
