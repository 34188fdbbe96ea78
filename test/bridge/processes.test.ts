import { expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { fixture, startBridge } from './bridge-server.ts'
import { openSession, textOf, toolCall } from './session-client.ts'

const OWN = { capabilities: { sampling: {}, elicitation: {}, roots: {} } }

function pidOf(text: string): number {
  return (JSON.parse(text) as { pid: number }).pid
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('clients that declare nothing share one process, the others get their own', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const [a, b, c, d] = await Promise.all([
    openSession(server.url),
    openSession(server.url, { capabilities: { experimental: {} } }),
    openSession(server.url, OWN),
    openSession(server.url, OWN),
  ])
  const pids = await Promise.all([a, b, c, d].map(async (session) => pidOf(await session.text('whoami'))))
  expect(new Set(pids).size).toBe(3)
  expect(pids[0]).toBe(pids[1])
  expect(server.launches()).toBe(3)
})

test('a process of its own hears the words of its client and tells it everything', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const session = await openSession(server.url, { ...OWN, version: '2025-11-25' })
  expect(JSON.parse(await session.text('whoami'))).toMatchObject({
    introduction: {
      protocolVersion: '2025-11-25',
      capabilities: OWN.capabilities,
      clientInfo: { name: 'test' },
    },
  })
  expect(session.initialized.result?.['capabilities']).toHaveProperty('tasks')
  await session.post({ jsonrpc: '2.0', method: 'notifications/roots/list_changed' })
  expect(JSON.parse(await session.text('seen'))).toMatchObject({
    seen: ['notifications/initialized', 'notifications/roots/list_changed'],
  })
})

test('a question of the server goes to the call that is under way, and its answer comes back', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const sessions = await Promise.all([openSession(server.url, OWN), openSession(server.url, OWN)])
  await Promise.all(
    sessions.map(async (session, i) => {
      const stream = await session.stream(
        toolCall(1, 'ask', { method: 'sampling/createMessage', params: { i } }),
      )
      const question = await stream.next()
      expect(question).toMatchObject({ method: 'sampling/createMessage', params: { i } })
      const result = { role: 'assistant', model: `m${i}`, content: { type: 'text', text: 'yes' } }
      expect((await session.post({ jsonrpc: '2.0', id: question.id, result })).status).toBe(202)
      expect(JSON.parse(textOf(await stream.next()))).toEqual({ result })
      await stream.ended
    }),
  )
})

test('an answer to a question that was asked in another session goes nowhere', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const [asked, other] = await Promise.all([openSession(server.url, OWN), openSession(server.url, OWN)])
  const stream = await asked.stream(toolCall(1, 'ask', { method: 'roots/list' }))
  const { id } = await stream.next()
  await other.post({ jsonrpc: '2.0', id, result: { roots: ['stolen'] } })
  await asked.post({ jsonrpc: '2.0', id, result: { roots: [] } })
  expect(JSON.parse(textOf(await stream.next()))).toEqual({ result: { roots: [] } })
})

test('a question outside any call waits for the stream of the session', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const session = await openSession(server.url, OWN)
  await session.text('askLater', { method: 'roots/list', ms: 10 })
  const stream = await session.listen()
  const question = await stream.next()
  expect(question).toMatchObject({ method: 'roots/list', id: 'late-1' })
  await session.post({ jsonrpc: '2.0', id: question.id, result: { roots: [] } })
  expect(await session.text('seen')).toContain('answer')
  stream.close()
})

test('a question that nobody comes to hear is answered with an error', async () => {
  await using server = await startBridge(fixture('raw-server'), {
    limits: { unheardMs: 30, keepAliveMs: 40 },
  })
  const session = await openSession(server.url, OWN)
  await session.text('askLater', { method: 'roots/list', ms: 0 })
  const told = () => server.output.find((line) => line.includes(': answer ')) ?? null
  expect(await until('the answer', told)).toContain('not listening')
})

test.for(['sampling/createMessage', 'elicitation/create', 'roots/list', 'made/up'])(
  'a shared process that asks for %s is told that nobody offers it; ping is answered',
  async (method) => {
    await using server = await startBridge(fixture('raw-server'))
    const session = await openSession(server.url)
    expect(JSON.parse(await session.text('ask', { method }))).toMatchObject({ error: { code: -32601 } })
    expect(JSON.parse(await session.text('ask', { method: 'ping' }))).toEqual({ result: {} })
  },
)

test('a crash answers every caller at once, and ends the instance', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const session = await openSession(server.url)
  const waiting = Array.from({ length: 20 }, (_, i) => session.call('sleep', { ms: 20_000 }, `w${i}`))
  await session.text('echo', { text: 'all under way' })
  const crashedAt = performance.now()
  const answers = await Promise.all([...waiting, session.call('crash', {}, 'c')])
  expect(performance.now() - crashedAt).toBeLessThan(2000)
  for (const { error } of answers) {
    expect(error).toMatchObject({ code: -32000, data: { error: 'server_exited', details: { exitCode: 7 } } })
  }
  expect(answers.map(({ id }) => id)).toEqual([...waiting.map((_, i) => `w${i}`), 'c'])
  expect(await server.bridge.ended).toEqual({ reason: 'exited', exitCode: 7, signal: null })
  expect((await session.post(toolCall(1, 'echo'))).status).toBe(503)
})

test('the crash of a process of its own ends its session with 404, and nobody else is harmed', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const [own, other, shared] = await Promise.all([
    openSession(server.url, OWN),
    openSession(server.url, OWN),
    openSession(server.url),
  ])
  expect((await own.call('crash')).error?.data).toMatchObject({ error: 'server_exited' })
  await until('the session is gone', async () =>
    (await own.post(toolCall(1, 'echo'))).status === 404 ? true : null,
  )
  expect(await other.text('echo', { text: 'x' })).toBe('x')
  expect(await shared.text('echo', { text: 'y' })).toBe('y')
})

test('an idle process of its own is ended; its session goes on in a new one', async () => {
  await using server = await startBridge(fixture('raw-server'), {
    limits: { ownIdleMs: 50, keepAliveMs: 40 },
  })
  const session = await openSession(server.url, OWN)
  const pid = pidOf(await session.text('whoami'))
  await until('the process has ended', () => (isAlive(pid) ? null : true))
  const next = pidOf(await session.text('whoami'))
  expect(next).not.toBe(pid)
})

test('processes of their own are bounded in number; who comes too late is told to try again', async () => {
  await using server = await startBridge(fixture('raw-server'), { limits: { maxOwnProcesses: 2 } })
  const first = await openSession(server.url, OWN)
  await openSession(server.url, OWN)
  await expect(openSession(server.url, OWN)).rejects.toThrow('busy with other sessions')
  await first.end()
  await expect(openSession(server.url, OWN)).resolves.toBeDefined()
})

test('the end of a session ends its process', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const session = await openSession(server.url, OWN)
  const pid = pidOf(await session.text('whoami'))
  expect((await session.end()).status).toBe(200)
  await until('the process has ended', () => (isAlive(pid) ? null : true))
})

test('stop lets calls finish, then no process is left', async () => {
  const server = await startBridge(fixture('raw-server'))
  const [shared, own] = await Promise.all([openSession(server.url), openSession(server.url, OWN)])
  const pids = [pidOf(await shared.text('whoami')), pidOf(await own.text('whoami'))]
  const calls = [shared, own].map((session) => session.text('sleep', { ms: 200, text: 'finished' }))
  await Promise.all([shared.text('echo', { text: 'under way' }), own.text('echo', { text: 'under way' })])
  await server.bridge.stop(5000)
  expect(await Promise.all(calls)).toEqual(['finished', 'finished'])
  expect(pids.map(isAlive)).toEqual([false, false])
  expect((await server.bridge.ended).reason).toBe('stopped')
  await server[Symbol.asyncDispose]()
})

test('stop does not wait longer than it was told', async () => {
  const server = await startBridge(fixture('raw-server'))
  const session = await openSession(server.url)
  const call = session.call('sleep', { ms: 60_000 })
  await session.text('echo', { text: 'under way' })
  const begun = performance.now()
  await server.bridge.stop(100)
  expect(performance.now() - begun).toBeLessThan(5000)
  expect((await call).error?.code).toBe(-32000)
  await server[Symbol.asyncDispose]()
})

test('the crash of the shared process harms no session with a process of its own; it is started again', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const [own, shared] = await Promise.all([openSession(server.url, OWN), openSession(server.url)])
  const [ownPid, sharedPid] = [await own.text('whoami'), await shared.text('whoami')].map(pidOf)
  const listening = await shared.listen()
  const waiting = own.text('sleep', { ms: 300, text: 'slept on' })
  const lost = shared.call('sleep', { ms: 20_000 })
  expect((await shared.call('crash')).error?.data).toMatchObject({ error: 'server_exited' })
  expect((await lost).error?.data).toMatchObject({ error: 'server_exited' })
  const restarted = pidOf(await shared.text('whoami'))
  expect([sharedPid, ownPid]).not.toContain(restarted)
  expect(await waiting).toBe('slept on')
  expect(pidOf(await own.text('whoami'))).toBe(ownPid)
  // The stream of the session outlives the process: its client is told to look again, and hears what follows.
  expect((await listening.next()).method).toBe('notifications/tools/list_changed')
  expect((await listening.next()).method).toBe('notifications/resources/list_changed')
  await shared.text('changed')
  expect((await listening.next()).method).toBe('notifications/tools/list_changed')
  listening.close()
  expect(server.output.join()).toContain('ended with exit code 7')
  await server.bridge.stop(0)
  expect(isAlive(restarted)).toBe(false)
})

test('a bridge whose shared process has crashed stops all the same', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const [own, shared] = await Promise.all([openSession(server.url, OWN), openSession(server.url)])
  await shared.call('crash')
  const pid = pidOf(await own.text('whoami'))
  await server.bridge.stop(0)
  expect(isAlive(pid)).toBe(false)
})
