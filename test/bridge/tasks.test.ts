// Rule 14: tasks are bound to the subject that made them, in processes that many subjects share.
import { expect, test } from 'vitest'
import { fixture, startBridge, type BridgeUnderTest } from './bridge-server.ts'
import type { RawMessage } from './http-client.ts'
import { ask, stream } from './modern-client.ts'
import { openSession, textOf, type SessionClient } from './session-client.ts'

const EXTENSION = 'io.modelcontextprotocol/tasks'
const NOT_FOUND = { code: -32602, message: 'Task not found' }

const request = (method: string, params: object) => ({ jsonrpc: '2.0', id: 1, method, params })
async function answerOf(session: SessionClient, method: string, params: object): Promise<RawMessage> {
  return (await session.post(request(method, params))).messages[0] ?? {}
}
async function makeTask(session: SessionClient, given: object, meta: object = {}): Promise<string> {
  const params = { name: 'echo', arguments: given, task: { ttl: 60_000 }, _meta: meta }
  const { task } = ((await answerOf(session, 'tools/call', params)).result ?? {}) as { task?: Task }
  return task?.taskId ?? ''
}
interface Task {
  readonly taskId: string
}
const idsOf = ({ result = {} }: RawMessage) =>
  (result as { tasks?: Task[] }).tasks?.map(({ taskId }) => taskId)
const pidOf = async (session: SessionClient) =>
  (JSON.parse(await session.text('whoami')) as { pid: number }).pid
const as = (subject: string, headers: object = {}) => ({
  capabilities: { extensions: { [EXTENSION]: {} } },
  headers: { 'x-subject': subject, ...headers },
})

async function open(server: BridgeUnderTest, subject: string): Promise<SessionClient> {
  return openSession(server.url, { version: '2025-11-25', headers: { 'x-subject': subject } })
}

test('a legacy client’s tasks in a shared process are got, listed, cancelled and fetched by their subject alone', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const ann = await open(server, 'ann')
  const ben = await open(server, 'ben')
  expect(ann.initialized.result?.['capabilities']).toMatchObject({ tasks: { list: {}, cancel: {} } })
  const annas = [await makeTask(ann, { text: 'secret' }), await makeTask(ann, { text: 'other', ms: 60_000 })]
  const bens = [await makeTask(ben, { text: 'of Ben' })]
  expect(server.launches()).toBe(1)

  const listed = await answerOf(ann, 'tasks/list', {})
  expect([idsOf(listed), listed.result?.['nextCursor']]).toEqual([annas, 'more'])
  expect(idsOf(await answerOf(ben, 'tasks/list', {}))).toEqual(bens)
  for (const taskId of [...annas, '99', '__proto__']) {
    for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel'])
      expect(await answerOf(ben, method, { taskId })).toMatchObject({ id: 1, error: NOT_FOUND })
  }
  expect(textOf(await answerOf(ann, 'tasks/result', { taskId: annas[0] }))).toBe('secret')
  expect(await answerOf(ann, 'tasks/cancel', { taskId: annas[1] })).toMatchObject({
    result: { status: 'cancelled' },
  })
  // Another session of the same subject has them as well.
  const again = await open(server, 'ann')
  expect(idsOf(await answerOf(again, 'tasks/list', {}))).toEqual(annas)
})

test('how a task stands, and progress of it after its answer, is told to the session that made it, under its token', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const [ann, ben] = [await open(server, 'ann'), await open(server, 'ben')]
  const [hers, his] = [await ann.listen(), await ben.listen()]
  const taskId = await makeTask(ann, { text: 'x', ms: 5 }, { progressToken: 'mine' })
  expect(await hers.next()).toMatchObject({ params: { progressToken: 'mine', progress: 1 } })
  expect(await hers.next()).toMatchObject({
    method: 'notifications/tasks/status',
    params: { taskId, status: 'completed' },
  })
  await ben.text('changed')
  // The first that he hears is what is for everybody.
  expect(await his.next()).toMatchObject({ method: 'notifications/tools/list_changed' })
  hers.close()
  his.close()
})

test('a process of its own tells progress of a task as well', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const session = await openSession(server.url, { version: '2025-11-25', capabilities: { sampling: {} } })
  const heard = await session.listen()
  await makeTask(session, { ms: 5 }, { progressToken: 7 })
  expect(await heard.next()).toMatchObject({ params: { progressToken: 7 } })
  heard.close()
})

test('a client of a revision without tasks is offered none', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const session = await openSession(server.url, { version: '2025-06-18' })
  expect(session.initialized.result?.['capabilities']).not.toHaveProperty('tasks')
  expect(await answerOf(session, 'tasks/list', {})).toMatchObject({ error: { code: -32601 } })
})

test('a process that works on a task is not ended as idle, also one of its own', async () => {
  const limits = { ownIdleMs: 50, keepAliveMs: 20 }
  await using server = await startBridge(fixture('raw-server'), { limits })
  const able = { version: '2025-11-25', capabilities: { sampling: {} } }
  const [busy, idle] = [await openSession(server.url, able), await openSession(server.url, able)]
  await makeTask(busy, { ms: 60_000 })
  const [at, other] = [await pidOf(busy), await pidOf(idle)]
  await expect.poll(() => pidOf(idle), { interval: 300, timeout: 5000 }).not.toBe(other)
  expect(await pidOf(busy)).toBe(at)
})

test('what a client declares reaches a server of the other era as far as that has words for it', async () => {
  const declared = {
    sampling: {},
    roots: { listChanged: true },
    tasks: { list: {} },
    extensions: { [EXTENSION]: {}, 'example.com/own': {} },
  }
  const heard = { sampling: {}, roots: {}, extensions: { 'example.com/own': {} } }
  await using modern = await startBridge(fixture('raw-modern-server'))
  const session = await openSession(modern.url, { version: '2025-11-25', capabilities: declared })
  const { _meta: meta } = JSON.parse(await session.text('params')) as { _meta: Record<string, unknown> }
  expect(meta['io.modelcontextprotocol/clientCapabilities']).toEqual(heard)

  await using legacy = await startBridge(fixture('raw-server'))
  const call = { name: 'whoami', arguments: {} }
  const [answer] = (await ask(legacy.url, 'tools/call', call, { capabilities: declared })).messages
  const { introduction } = JSON.parse(textOf(answer ?? {})) as { introduction: object }
  expect(introduction).toMatchObject({ capabilities: heard })
  expect(introduction).not.toHaveProperty('capabilities.tasks')
})

test('a modern client’s tasks are got and heard of by their subject alone', async () => {
  await using server = await startBridge(fixture('raw-modern-server'))
  const call = { name: 'task', arguments: { text: 'secret' } }
  const [made] = (await ask(server.url, 'tools/call', call, as('ann'))).messages
  expect(made?.result).toMatchObject({ resultType: 'task', taskId: '1' })
  const about = async (subject: string, method: string, name = '1') =>
    ask(server.url, method, { taskId: '1' }, as(subject, { 'mcp-name': name }))
  expect((await about('ann', 'tasks/get')).messages[0]?.result).toMatchObject({ status: 'completed' })
  for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel'])
    expect((await about('ben', method)).messages[0]).toMatchObject({ error: NOT_FOUND })
  expect((await ask(server.url, 'tasks/list', {}, as('ann'))).status).toBe(404)
  // Rule 19: the header says which task it is about.
  expect((await about('ann', 'tasks/get', '2')).messages[0]?.error?.code).toBe(-32_020)

  const wanted = { notifications: { taskIds: ['1', '2'], toolsListChanged: true } }
  const [hers, his] = [
    await stream(server.url, 'subscriptions/listen', wanted, as('ann')),
    await stream(server.url, 'subscriptions/listen', wanted, as('ben')),
  ]
  expect((await hers.next()).params?.['notifications']).toMatchObject({ taskIds: ['1'] })
  expect((await his.next()).params?.['notifications']).toMatchObject({ taskIds: [] })
  await ask(server.url, 'tools/call', { name: 'tell', arguments: {} }, as('ann'))
  await ask(server.url, 'tools/call', { name: 'changed', arguments: {} }, as('ann'))
  expect(await hers.next()).toMatchObject({ method: 'notifications/tasks', params: { taskId: '1' } })
  expect(await his.next()).toMatchObject({ method: 'notifications/tools/list_changed' })
  hers.close()
  his.close()
})
