import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import {
  CatwalkError,
  systemClock,
  offersOf,
  type Endpoint,
  type Manifest,
  type OffersBySet,
} from '../../src/domain/index.ts'
import { createBridge, createDormant, createSessionMemory, spawnPlain } from '../../src/bridge/index.ts'
import { until } from '../support/until.ts'
import { fixture } from './bridge-server.ts'
import { ask, stream } from './modern-client.ts'
import { openStream, send } from './http-client.ts'
import { continueSession, openSession, toolCall } from './session-client.ts'

const SEAL_KEY = Buffer.alloc(32, 7)

interface Sleeper extends AsyncDisposable {
  readonly url: string
  readonly manifest: Manifest
  /** How often the server was started by calls. */
  readonly wakes: () => number
  /** Ends the instance; its streams are held. */
  sleep(): Promise<void>
  readonly holding: () => number
  fail: CatwalkError | null
  /** Calls wait until it resolves. */
  until: Promise<void>
}

/** A server on a real socket that sleeps until something needs it. */
async function startSleeper(
  name = 'sdk-server',
  keepAliveMs = 15_000,
  stateful = false,
  setsOf: (manifest: Manifest) => OffersBySet = () => ({}),
): Promise<Sleeper> {
  const memory = createSessionMemory(() => new Date())
  const [program, ...args] = fixture(name)
  const start = async () =>
    createBridge(
      {
        launch: () => spawnPlain({ command: program, args }),
        sealKey: SEAL_KEY,
        deploymentId: 'dep_test',
        output: () => undefined,
        memory,
        stateful,
      },
      AbortSignal.timeout(10_000),
    )
  const first = await start()
  const manifest = await first.probe(AbortSignal.timeout(10_000))
  await first.stop(0)
  let bridge: Awaited<ReturnType<typeof start>> | null = null
  let starting: Promise<Endpoint> | null = null
  let wakes = 0
  const dormant = createDormant({
    deploymentId: 'dep_test',
    sealKey: SEAL_KEY,
    memory,
    manifest,
    sets: setsOf(manifest),
    processes: 'auto',
    stateful,
    clock: systemClock,
    maxMessageBytes: 1_000_000,
    keepAliveMs,
    wake: async () => {
      starting ??= (async () => {
        wakes++
        await sleeper.until
        if (sleeper.fail !== null) throw sleeper.fail
        bridge = await start()
        dormant.handOver(bridge)
        return bridge
      })().finally(() => (starting = null))
      return starting
    },
  })
  let requests = 0
  const server = createServer((req, res) => {
    ;(bridge ?? dormant).handle(req, res, { subject: 'somebody', requestId: `req_${++requests}` })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const sleeper: Sleeper = {
    url: `http://127.0.0.1:${port}/mcp`,
    manifest,
    wakes: () => wakes,
    async sleep() {
      const ending = bridge
      bridge = null
      if (ending === null) return
      dormant.hold(ending.release())
      await ending.stop(0)
    },
    holding: () => dormant.holding,
    fail: null,
    until: Promise.resolve(),
    async [Symbol.asyncDispose]() {
      await sleeper.sleep()
      for (const { res } of dormant.release()) res.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return sleeper
}

const list = (id: unknown, method: string) => ({ jsonrpc: '2.0', id, method, params: {} })

test('a session opens, lists and listens while the server sleeps, and its first call wakes it', async () => {
  await using sleeper = await startSleeper()
  const session = await openSession(sleeper.url)
  expect(session.initialized.result).toMatchObject({ serverInfo: sleeper.manifest.serverInfo })
  const tools = await session.post(list('ü', 'tools/list'))
  expect(tools.messages).toEqual([{ jsonrpc: '2.0', id: 'ü', result: { tools: sleeper.manifest.tools } }])
  const prompts = await session.post(list(2, 'prompts/list'))
  expect(prompts.messages[0]?.result).toEqual({ prompts: sleeper.manifest.prompts })
  expect((await session.post(list(3, 'ping'))).messages[0]?.result).toEqual({})
  const listening = await session.listen()
  expect(listening.status).toBe(200)
  expect(sleeper.wakes()).toBe(0)

  expect(await session.text('test_simple_text')).toContain('simple text')
  expect(sleeper.wakes()).toBe(1)
  // The lists may differ from what was recorded.
  expect(await listening.next()).toMatchObject({ method: 'notifications/tools/list_changed' })
})

test('a stream of a session stays open while its server falls asleep and wakes again', async () => {
  await using sleeper = await startSleeper()
  const session = await openSession(sleeper.url)
  await session.text('test_simple_text')
  const listening = await session.listen()
  let ended = false
  void listening.ended.then(() => (ended = true))
  await sleeper.sleep()
  expect(sleeper.holding()).toBe(1)
  expect((await session.post(list(1, 'tools/list'))).status).toBe(200)
  expect(sleeper.wakes()).toBe(1)
  await session.text('test_simple_text')
  expect(await listening.next()).toMatchObject({ method: 'notifications/tools/list_changed' })
  expect(ended).toBe(false)
  expect(sleeper.wakes()).toBe(2)
})

test('where servers keep state, a session that is opened while the server sleeps wakes it and is served; one of an earlier process has ended', async () => {
  await using sleeper = await startSleeper('sdk-server', 15_000, true)
  const session = await openSession(sleeper.url)
  expect(await session.text('test_simple_text')).toContain('simple text')
  expect(sleeper.wakes()).toBe(1)
  await sleeper.sleep()
  expect((await session.post(toolCall(1, 'test_simple_text'))).status).toBe(404)
  await sleeper.sleep()
  const another = await openSession(sleeper.url)
  expect(await another.text('test_simple_text')).toContain('simple text')
  await sleeper.sleep()
  // Nothing of these is remembered, so nobody is woken for them.
  const wakes = sleeper.wakes()
  const [tools] = (await ask(sleeper.url, 'tools/list')).messages
  expect(tools?.result).toMatchObject({ tools: sleeper.manifest.tools })
  expect(sleeper.wakes()).toBe(wakes)
})

test('a client of 2026-07-28 discovers and lists while the server sleeps', async () => {
  await using sleeper = await startSleeper()
  const [discovered] = (await ask(sleeper.url, 'server/discover')).messages
  expect(discovered?.result).toMatchObject({ resultType: 'complete', ttlMs: 0, cacheScope: 'private' })
  const [tools] = (await ask(sleeper.url, 'tools/list')).messages
  expect(tools?.result).toMatchObject({ tools: sleeper.manifest.tools, ttlMs: 0, cacheScope: 'private' })
  expect(sleeper.wakes()).toBe(0)
  const [called] = (await ask(sleeper.url, 'tools/call', { name: 'test_simple_text', arguments: {} }))
    .messages
  expect(called?.result).toMatchObject({ resultType: 'complete' })
  expect(sleeper.wakes()).toBe(1)
})

test('a subscription to lists is held while the server sleeps, and one to a resource wakes it', async () => {
  await using sleeper = await startSleeper()
  const lists = await stream(sleeper.url, 'subscriptions/listen', {
    notifications: { toolsListChanged: true },
  })
  expect(await lists.next()).toMatchObject({ method: 'notifications/subscriptions/acknowledged' })
  expect(sleeper.wakes()).toBe(0)
  const uris = { notifications: { resourceSubscriptions: ['test://watched-resource'] } }
  const resource = await stream(sleeper.url, 'subscriptions/listen', uris)
  expect(await resource.next()).toMatchObject({ method: 'notifications/subscriptions/acknowledged' })
  expect(sleeper.wakes()).toBe(1)
  // Acknowledged once, then told to look again.
  expect(await lists.next()).toMatchObject({ method: 'notifications/tools/list_changed' })
  expect(lists.lines.filter((line) => line.includes('acknowledged'))).toHaveLength(1)
  lists.close()
  resource.close()
})

test('a client that the server can ask things gets no recorded answer', async () => {
  await using sleeper = await startSleeper()
  await openSession(sleeper.url, { capabilities: { roots: {} } })
  expect(sleeper.wakes()).toBe(1)
})

test('a call waits with signs of life, and gets its answer as the end of that stream', async () => {
  await using sleeper = await startSleeper('sdk-server', 20)
  const session = await openSession(sleeper.url)
  const waking = Promise.withResolvers<void>()
  sleeper.until = waking.promise
  const called = await session.stream(toolCall(7, 'test_simple_text'))
  await until('signs of life', () =>
    called.lines.filter((line) => line === ': alive').length > 1 ? true : null,
  )
  waking.resolve()
  expect(await called.next()).toMatchObject({ id: 7, result: { content: [{ type: 'text' }] } })
  await called.ended
  await sleeper.sleep()
  const again = Promise.withResolvers<void>()
  sleeper.until = again.promise
  const second = await stream(sleeper.url, 'tools/call', { name: 'test_simple_text', arguments: {} })
  await until('a sign of life', () => (second.lines.includes(': alive') ? true : null))
  again.resolve()
  expect(await second.next()).toMatchObject({ result: { resultType: 'complete' } })
  await second.ended
})

test('when the server does not start, each call that waits gets the reason, under its own id', async () => {
  await using sleeper = await startSleeper()
  const session = await openSession(sleeper.url)
  sleeper.fail = new CatwalkError('wake_failed', 'The server could not be started.')
  const answers = await Promise.all(
    [1, 2, 3].map(async (id) => session.post(toolCall(id, 'test_simple_text'))),
  )
  for (const [index, answer] of answers.entries()) {
    expect(answer.status).toBe(503)
    expect(answer.headers['retry-after']).toBe('5')
    expect(answer.messages[0]).toMatchObject({ id: index + 1, error: { data: { error: 'wake_failed' } } })
  }
})

test('sessions of others, ended ones and forged ones are refused while the server sleeps', async () => {
  await using sleeper = await startSleeper()
  const session = await openSession(sleeper.url)
  expect((await session.end()).status).toBe(200)
  expect((await session.listen()).status).toBe(404)
  const forged = continueSession(sleeper.url, 'forged')
  expect((await forged.listen()).status).toBe(404)
  expect((await send(sleeper.url, 'GET', { accept: 'text/event-stream' })).status).toBe(400)
  const cut = await openSession(sleeper.url)
  const headers = { ...cut.headers, accept: 'text/event-stream', 'last-event-id': 'x.1.1' }
  expect((await openStream(sleeper.url, 'GET', headers)).status).toBe(400)
  expect(sleeper.wakes()).toBe(0)
  expect((await session.post(list(1, 'tools/list'))).status).toBe(404)
})

test('a log level that was set while the server slept counts in the next bridge', async () => {
  await using sleeper = await startSleeper()
  const session = await openSession(sleeper.url)
  const set = { jsonrpc: '2.0', id: 1, method: 'logging/setLevel', params: { level: 'error' } }
  expect((await session.post(set)).messages).toEqual([{ jsonrpc: '2.0', id: 1, result: {} }])
  expect(sleeper.wakes()).toBe(0)
  expect(await session.text('test_simple_text')).toContain('simple text')
})

test.each([
  ['sdk-server', 'elicitation elicitation.form sampling'],
  ['raw-modern-server', 'elicitation elicitation.form sampling'],
])(
  'clients with capabilities get the lists of %s that were recorded for such clients, and wake it where there are none',
  async (name, set) => {
    const special = { name: 'special', inputSchema: { type: 'object' } }
    await using sleeper = await startSleeper(name, undefined, false, (manifest) => ({
      [set]: { ...offersOf(manifest), tools: [special] },
      roots: null,
    }))
    const capabilities = { sampling: {}, elicitation: { form: {} } }
    const session = await openSession(sleeper.url, { capabilities })
    const listed = await session.post(list(1, 'tools/list'))
    expect(listed.messages[0]?.result?.['tools']).toEqual([special])
    const modern = await ask(sleeper.url, 'tools/list', {}, { capabilities })
    expect(modern.messages[0]?.result?.['tools']).toEqual([special])
    const same = await ask(sleeper.url, 'tools/list', {}, { capabilities: { roots: {} } })
    expect(same.messages[0]?.result?.['tools']).toEqual(sleeper.manifest.tools)
    expect(sleeper.wakes()).toBe(0)
    await ask(sleeper.url, 'tools/list', {}, { capabilities: { sampling: {} } })
    expect(sleeper.wakes()).toBe(1)
  },
)
