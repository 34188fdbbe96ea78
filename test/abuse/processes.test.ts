import { expect, test } from 'vitest'
import { fixture } from '../bridge/bridge-server.ts'
import { openSession, toolCall } from '../bridge/session-client.ts'
import { until } from '../support/until.ts'
import { MIB, startAbused, type Abused } from './abused.ts'

const CAN_DO = { sampling: {}, elicitation: {} }
/** Opens sessions and never comes back to them. */
async function abandon(bridge: Abused, count: number, capabilities: object): Promise<void> {
  for (let opened = 0; opened < count; opened += 20) {
    await Promise.all(
      Array.from({ length: Math.min(20, count - opened) }, async () => {
        const session = await openSession(bridge.url, { capabilities })
        await session.call('echo', { text: 'hello' })
      }),
    )
  }
}

test('a child killed while 100 callers wait: each gets an error at once, and the next call starts it again', async () => {
  await using bridge = await startAbused(fixture('raw-server'))
  const sessions = await Promise.all(Array.from({ length: 10 }, () => openSession(bridge.url)))
  const waiting = sessions.flatMap((session) =>
    Array.from({ length: 10 }, (_, id) => session.call('sleep', { ms: 30_000 }, id)),
  )
  // Answered by the same child after those that wait have reached it.
  await sessions[0]?.call('echo', {})
  const killedAt = performance.now()
  for (const child of bridge.children()) process.kill(child, 'SIGKILL')
  const answers = await Promise.all(waiting)
  expect(performance.now() - killedAt).toBeLessThan(1000)
  expect(answers.map(({ error }) => error?.data?.['error'])).toEqual(answers.map(() => 'server_exited'))
  expect(answers.map(({ id }) => id)).toEqual(
    sessions.flatMap(() => Array.from({ length: 10 }, (_, id) => id)),
  )
  for (const session of sessions) expect(await session.text('echo', { text: 'again' })).toBe('again')
  expect(bridge.children()).toHaveLength(1)
})

test('a child killed in the middle of an answer leaves no caller with half of one', async () => {
  await using bridge = await startAbused(fixture('raw-server'))
  const session = await openSession(bridge.url)
  const answers = ['a', 'b'].map((id) => session.call('big', { bytes: 40 * MIB }, id))
  await session.call('crash')
  for (const answer of await Promise.all(answers)) {
    const whole = JSON.stringify(answer.result)?.length ?? 0
    expect(whole > 40 * MIB || answer.error?.data?.['error'] === 'server_exited').toBe(true)
  }
})

test('after 1,000 abandoned sessions and their idle time no memory is held, and one process is left', async () => {
  await using bridge = await startAbused(fixture('raw-server'), { sessionIdleMs: 1000 })
  // The same before, twice, so that what V8 keeps for the next time is there already.
  for (let round = 0; round < 2; round++) {
    await abandon(bridge, 1000, {})
    await until('the first ones are forgotten', async () => ((await settled(bridge)) ? true : null))
  }
  const before = await bridge.memory()
  await abandon(bridge, 1000, {})
  expect(bridge.children()).toHaveLength(1)
  await until('they are forgotten', async () => ((await settled(bridge)) ? true : null))
  const after = await bridge.memory()
  expect((after.held - before.held) / MIB).toBeLessThan(2)
  expect((after.rss - before.rss) / MIB).toBeLessThan(5)
})

/** Whether memory has come to rest. */
async function settled(bridge: Abused): Promise<boolean> {
  const { held } = await bridge.memory()
  await new Promise((resolve) => setTimeout(resolve, 1500))
  return Math.abs((await bridge.memory()).held - held) < 50_000
}

test('abandoned sessions with processes of their own give them back, and those who wait get their turn', async () => {
  await using bridge = await startAbused(fixture('raw-server'), {
    maxOwnProcesses: 4,
    ownIdleMs: 300,
    sessionIdleMs: 1000,
  })
  for (let round = 0; round < 10; round++) {
    await until('four have their turn', async () => {
      const opened = await Promise.allSettled([1, 2, 3, 4].map(() => abandon(bridge, 1, CAN_DO)))
      return opened.every(({ status }) => status === 'fulfilled') ? true : null
    })
    expect(bridge.children().length).toBeLessThanOrEqual(5)
  }
  await until('the processes are given back', () => (bridge.children().length <= 1 ? true : null))
})

test('a server that never reads cannot make the bridge hold more than its limit', async () => {
  const deaf = ['-e', 'setInterval(() => {}, 1000)']
  await using bridge = await startAbused([process.execPath, ...deaf], { handshakeMs: 500 })
  const before = await bridge.memory()
  await Promise.all(
    Array.from({ length: 50 }, () => openSession(bridge.url).catch((error: unknown) => String(error))),
  )
  expect((await bridge.memory()).held - before.held).toBeLessThan(2 * MIB)
  expect(bridge.alive).toBe(true)
})

test('a child that is told to cancel what it never heard of goes on', async () => {
  await using bridge = await startAbused(fixture('raw-server'))
  const session = await openSession(bridge.url)
  for (const requestId of [1, 'x', '__proto__', 1e20]) {
    await session.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } })
  }
  await session.post(toolCall(1, 'sleep', { ms: 1 }))
  expect(await session.text('echo', { text: 'well' })).toBe('well')
})
