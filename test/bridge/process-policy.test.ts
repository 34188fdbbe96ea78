import type { RequestReport } from '../../src/domain/index.ts'
import { expect, test } from 'vitest'
import { fixture, startBridge } from './bridge-server.ts'
import { ask, callTool, stream } from './modern-client.ts'
import { openSession, textOf, toolCall } from './session-client.ts'

const ABLE = { capabilities: { sampling: {}, elicitation: {} } }
const pidIn = (text: string): number => (JSON.parse(text) as { pid: number }).pid

test('forced to share, clients that could be asked something share a process that does not know it', async () => {
  await using server = await startBridge(fixture('raw-server'), { processes: 'shared' })
  const [one, two] = await Promise.all([openSession(server.url), openSession(server.url, ABLE)])
  const modern = textOf(await callTool(server.url, 'whoami', {}, ABLE))
  const texts = [await one.text('whoami'), await two.text('whoami'), modern]
  expect(new Set(texts).size).toBe(1)
  expect(JSON.parse(modern)).toMatchObject({ introduction: { capabilities: {} } })
})

test('forced apart, each session has a process, whatever its client can do', async () => {
  await using server = await startBridge(fixture('raw-server'), { processes: 'per-session' })
  const sessions = await Promise.all([openSession(server.url), openSession(server.url)])
  const [one, two] = await Promise.all(sessions.map((session) => session.text('whoami')))
  expect(pidIn(one ?? '')).not.toBe(pidIn(two ?? ''))
})

test('calls that need a process of their own wait for one', async () => {
  await using server = await startBridge(fixture('raw-server'), { limits: { maxOwnProcesses: 1 } })
  const whoami = async () => pidIn(textOf(await callTool(server.url, 'whoami', {}, ABLE)))
  const pids = await Promise.all([whoami(), whoami(), whoami()])
  expect(new Set(pids).size).toBe(1)
})

test('a call for which no process comes free is told to come again', async () => {
  await using server = await startBridge(fixture('raw-server'), {
    limits: { maxOwnProcesses: 1, borrowMs: 20 },
  })
  await callTool(server.url, 'echo', { text: '' }, ABLE)
  const listening = await stream(
    server.url,
    'tools/call',
    { name: 'announced' },
    { ...ABLE, meta: { progressToken: 1 } },
  )
  await listening.next()
  const late = await ask(server.url, 'tools/call', { name: 'echo', arguments: { text: '' } }, ABLE)
  expect([late.status, late.headers['retry-after']]).toEqual([503, '5'])
  listening.close()
})

test('a process that calls were given for a time is ended when none comes', async () => {
  await using server = await startBridge(fixture('raw-server'), {
    limits: { ownIdleMs: 30, keepAliveMs: 20 },
  })
  const pid = pidIn(textOf(await callTool(server.url, 'whoami', {}, ABLE)))
  await expect
    .poll(() => {
      try {
        return process.kill(pid, 0)
      } catch {
        return false
      }
    })
    .toBe(false)
  expect(textOf(await callTool(server.url, 'echo', { text: 'on' }, ABLE))).toBe('on')
})

test('the process of one era is started again after a crash while the other goes on', async () => {
  await using server = await startBridge(fixture('raw-modern-server', 'dual'), { era: 'dual' })
  const session = await openSession(server.url)
  const crash = await callTool(server.url, 'crash')
  expect(crash.error).toMatchObject({ data: { error: 'server_exited' } })
  expect(textOf(await callTool(server.url, 'echo', { text: 'again' }))).toBe('again')
  expect(await session.text('echo', { text: 'still' })).toBe('still')
})

test('each request of a client is reported once, with how it ended', async () => {
  const reports: RequestReport[] = []
  await using server = await startBridge(fixture('raw-modern-server', 'dual'), { era: 'dual' }, (report) => {
    reports.push(report)
  })
  await callTool(server.url, 'echo', { text: 'x' })
  await callTool(server.url, 'failing')
  await ask(server.url, 'resources/read', { uri: 'a:b' })
  await ask(server.url, 'tools/call', { name: 'echo' }, { headers: { 'mcp-name': 'other' } })
  const session = await openSession(server.url)
  await session.text('echo', { text: 'y' })
  const sleeping = session.post(toolCall('s', 'sleep', { ms: 20_000 }))
  await session.text('whoami')
  await session.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 's' } })
  await sleeping
  await callTool(server.url, 'crash')
  expect(reports.map(({ method, name, outcome }) => [method, name, outcome])).toEqual([
    ['tools/call', 'echo', 'ok'],
    ['tools/call', 'failing', 'tool_error'],
    ['resources/read', 'a:b', 'error'],
    ['tools/call', 'echo', 'error'],
    ['initialize', null, 'ok'],
    ['tools/call', 'echo', 'ok'],
    ['tools/call', 'whoami', 'ok'],
    ['tools/call', 'sleep', 'cancelled'],
    ['tools/call', 'crash', 'failed'],
  ])
  expect(reports.every(({ durationMs }) => durationMs >= 0)).toBe(true)
})
