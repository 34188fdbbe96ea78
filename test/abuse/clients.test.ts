import { once } from 'node:events'
import { expect, test } from 'vitest'
import { fixture } from '../bridge/bridge-server.ts'
import { open } from '../bridge/http-client.ts'
import { openSession, toolCall, type SessionClient } from '../bridge/session-client.ts'
import { until } from '../support/until.ts'
import { MIB, startAbused, untilGivenBack, type Abused } from './abused.ts'

const QUICK = { keepAliveMs: 20 }
const post = (bridge: Abused, session: SessionClient, body: object) =>
  open(bridge.url, 'POST', session.headers, JSON.stringify(body))

test('readers that take nothing cost bounded memory, and are cut off so that the others are served', async () => {
  await using bridge = await startAbused(fixture('raw-server'), {
    slowTotalBytes: 32 * MIB,
    stalledMs: 1000,
  })
  const session = await openSession(bridge.url)
  await session.text('big', { bytes: 4 * MIB })
  const before = await bridge.memory()
  const stuck = Array.from({ length: 40 }, (_, id) =>
    post(bridge, session, toolCall(id, 'big', { bytes: 4 * MIB })),
  )
  const responses = await Promise.all(stuck.slice(0, 4).map(({ response }) => response))
  for (const response of responses) response.pause()
  // All 160 MiB were asked for; the bridge may hold what its limit says and what is in flight.
  const during = await bridge.memory()
  expect((during.held - before.held) / MIB).toBeLessThan(96)
  expect(await session.text('echo', { text: 'served' })).toBe('served')
  for (const { request } of stuck) request.destroy()
  await untilGivenBack(bridge, before, 6 * MIB)
})

test('legacy: clients that vanish in the middle of their calls do not stop them; results wait, then are dropped', async () => {
  await using bridge = await startAbused(fixture('raw-server'), { ...QUICK, resumeMs: 1000 })
  const session = await openSession(bridge.url, { version: '2025-11-25' })
  const before = await bridge.memory()
  const body = toolCall(1, 'sleep', { ms: 300, text: 'y'.repeat(400_000) })
  const vanished = Array.from({ length: 20 }, async () => {
    const { request, response } = post(bridge, session, body)
    const res = await response
    // The priming event: from here on there is something to resume from.
    const [first] = (await once(res.setEncoding('utf8'), 'data')) as [string]
    request.destroy()
    return /^id: (\S+)/m.exec(first)?.[1] ?? ''
  })
  const ids = await Promise.all(vanished)
  const resumed = await session.listen({ 'last-event-id': ids[0] })
  expect(await resumed.next()).toMatchObject({ id: 1, result: {} })
  await resumed.ended
  await until('the results that nobody fetched are dropped', async () => {
    const late = await session.listen({ 'last-event-id': ids[1] })
    late.close()
    return late.status === 400 ? true : null
  })
  // A quarter of what waited; what the first use of everything costs is less.
  await untilGivenBack(bridge, before, 2 * MIB)
  const { seen } = JSON.parse(await session.text('seen')) as { seen: string[] }
  expect(seen).not.toContain('notifications/cancelled')
})

test('clients that vanish before their answer has begun, a thousand times, leave nothing behind', async () => {
  await using bridge = await startAbused(fixture('raw-server'), { resumeMs: 500 })
  const session = await openSession(bridge.url)
  const vanish = async (id: number) => {
    const { request } = post(bridge, session, toolCall(id, 'sleep', { ms: 30 }))
    await once(request, 'finish')
    request.destroy()
  }
  for (let id = 0; id < 200; id += 50) await Promise.all(Array.from({ length: 50 }, (_, n) => vanish(id + n)))
  await session.call('sleep', { ms: 50 })
  const before = await bridge.memory()
  for (let id = 0; id < 1000; id += 50)
    await Promise.all(Array.from({ length: 50 }, (_, n) => vanish(id + n)))
  await session.call('sleep', { ms: 50 })
  await untilGivenBack(bridge, before, MIB / 2)
  expect(await session.text('echo', { text: 'well' })).toBe('well')
})

test('a storm of reconnecting listeners loses no event, repeats none and holds no memory', async () => {
  await using bridge = await startAbused(fixture('raw-server'))
  const speaker = await openSession(bridge.url)
  let spoken = 0
  const speak = () => speaker.call('updated', { text: `raw://storm/${++spoken}` })
  const listeners = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const session = await openSession(bridge.url)
      await session.post({
        jsonrpc: '2.0',
        id: 1,
        method: 'resources/subscribe',
        params: { uri: 'raw://storm' },
      })
      return { session, heard: new Array<unknown>(), lastId: new Array<string>() }
    }),
  )
  let before = await bridge.memory()
  // As often as a client that reconnects every twenty seconds for half an hour, as fast as it goes.
  for (let round = 0; round < 90; round++) {
    if (round === 30) before = await bridge.memory()
    if (round % 3 === 0) await speak()
    const streams = await Promise.all(
      listeners.map(({ session, lastId }) =>
        session.listen(lastId[0] === undefined ? {} : { 'last-event-id': lastId[0] }),
      ),
    )
    if (round % 3 === 1) await speak()
    for (const [index, { heard, lastId }] of listeners.entries()) {
      const stream = streams[index]
      if (stream === undefined) continue
      while (heard.length < spoken) heard.push((await stream.next()).params?.['uri'])
      lastId[0] = stream.lastEventId() ?? lastId[0] ?? ''
      stream.close()
    }
  }
  const all = Array.from({ length: spoken }, (_, n) => `raw://storm/${n + 1}`)
  for (const { heard } of listeners) expect(heard).toEqual(all)
  await untilGivenBack(bridge, before, 2 * MIB)
})
