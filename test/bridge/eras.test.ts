import { expect, test } from 'vitest'
import { fixture, startBridge } from './bridge-server.ts'
import { ask, callTool, VERSION } from './modern-client.ts'
import { openSession, textOf } from './session-client.ts'

const within = () => AbortSignal.timeout(15_000)

test.each([
  [fixture('raw-server'), 'legacy', '2025-11-25', 1],
  [fixture('raw-modern-server'), 'modern', VERSION, 2],
  [fixture('raw-modern-server', 'dual'), 'dual', VERSION, 2],
  [fixture('dying-server'), 'legacy', '2025-11-25', 2],
] as const)('the probe of %s finds that it is %s', async (command, era, protocolVersion, launches) => {
  await using server = await startBridge(command)
  expect(await server.bridge.probe(within())).toMatchObject({ era, protocolVersion })
  expect(server.bridge.era).toBe(era)
  expect(server.launches()).toBe(launches)
})

test('a dual server has a process for each era, and is passed through in both', async () => {
  await using server = await startBridge(fixture('raw-modern-server', 'dual'), { era: 'dual' })
  const session = await openSession(server.url)
  const old = JSON.parse(await session.text('whoami')) as { pid: number; legacy: boolean }
  const modern = JSON.parse(textOf(await callTool(server.url, 'whoami'))) as { pid: number; legacy: boolean }
  expect([old.legacy, modern.legacy]).toEqual([true, false])
  expect(old.pid).not.toBe(modern.pid)
  expect(server.launches()).toBe(2)
})

test('a wrong verdict is noticed, whichever way it is wrong', async () => {
  await using modern = await startBridge(fixture('raw-modern-server'), { era: 'legacy' })
  expect((await openSession(modern.url)).initialized.result).toMatchObject({
    serverInfo: { name: 'raw-modern' },
  })
  expect(textOf(await callTool(modern.url, 'echo', { text: 'x' }))).toBe('x')
  expect(modern.bridge.era).toBe('modern')
  await using legacy = await startBridge(fixture('raw-server'), { era: 'modern' })
  expect((await ask(legacy.url, 'server/discover')).messages[0]?.result).toMatchObject({
    instructions: 'Mind the edges.',
  })
  expect(legacy.bridge.era).toBe('legacy')
})

test('a server that is slow to start is not taken for a legacy one', async () => {
  await using server = await startBridge(fixture('raw-modern-server', 'slow', '1300'))
  expect((await ask(server.url, 'server/discover')).messages[0]?.result).toMatchObject({
    instructions: 'Mind.',
  })
  expect(server.bridge.era).toBe('modern')
})

test('a server that dies of a question before its handshake is started again and serves modern clients', async () => {
  await using server = await startBridge(fixture('dying-server'))
  expect(textOf(await callTool(server.url, 'any'))).toBe('alive')
  expect(server.launches()).toBe(2)
  expect((await openSession(server.url)).initialized.result).toMatchObject({ serverInfo: { name: 'dying' } })
})

test('a legacy server that is silent about what it does not know is recognised by its handshake', async () => {
  await using server = await startBridge(fixture('dying-server', 'silent'))
  expect(textOf(await callTool(server.url, 'any'))).toBe('alive')
  expect(server.launches()).toBe(1)
})
