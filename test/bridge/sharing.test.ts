import { expect, test } from 'vitest'
import { fixture, startBridge } from './bridge-server.ts'
import { openSession, toolCall } from './session-client.ts'

function request(id: number, method: string, params: object): object {
  return { jsonrpc: '2.0', id, method, params }
}

test('updates of a resource reach those who subscribed to it, and nobody else', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const [one, two] = await Promise.all([openSession(server.url), openSession(server.url)])
  const [a, b] = await Promise.all([one.listen(), two.listen()])
  await one.post(request(1, 'resources/subscribe', { uri: 'raw://one' }))
  await two.post(request(1, 'resources/subscribe', { uri: 'raw://other' }))
  await one.text('updated', { text: 'raw://one' })
  await one.text('updated', { text: 'raw://other/part' })
  expect(await a.next()).toMatchObject({ params: { uri: 'raw://one' } })
  expect(await b.next()).toMatchObject({ params: { uri: 'raw://other/part' } })
  for (const stream of [a, b]) stream.close()
})

test('the server hears of the last unsubscription only, also when it is the end of a session', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const [one, two, three] = await Promise.all([1, 2, 3].map(() => openSession(server.url)))
  if (one === undefined || two === undefined || three === undefined) throw new Error('three were opened')
  for (const session of [one, two])
    await session.post(request(1, 'resources/subscribe', { uri: 'raw://one' }))
  const answer = await one.post(request(2, 'resources/unsubscribe', { uri: 'raw://one' }))
  expect(answer.messages).toEqual([{ jsonrpc: '2.0', id: 2, result: {} }])
  expect(await three.text('seen')).not.toContain('resources/unsubscribe')
  await two.end()
  expect(await three.text('seen')).toContain('resources/unsubscribe raw://one')
})

test('the server logs at the most verbose level that anybody asked for', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const [one, two] = await Promise.all([openSession(server.url), openSession(server.url)])
  await one.post(request(1, 'logging/setLevel', { level: 'error' }))
  await two.post(request(1, 'logging/setLevel', { level: 'debug' }))
  await one.post(request(2, 'logging/setLevel', { level: 'warning' }))
  expect(JSON.parse(await one.text('seen'))).toMatchObject({ levels: ['error', 'debug', 'debug'] })
})

test('a log message reaches the call that is under way, unless its session wants less', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const session = await openSession(server.url)
  const heard = await session.post(toolCall(1, 'log', { text: 'hello' }))
  expect(heard.messages.map(({ method }) => method)).toEqual(['notifications/message', undefined])
  await session.post(request(2, 'logging/setLevel', { level: 'error' }))
  const quiet = await session.post(toolCall(3, 'log', { text: 'hello' }))
  expect(quiet.messages).toHaveLength(1)
})

test('where several subjects share a process, a log message crosses to nobody but the log', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const ann = await openSession(server.url, { headers: { 'x-subject': 'ann' } })
  const ben = await openSession(server.url, { headers: { 'x-subject': 'ben' } })
  await ben.text('echo', { text: 'I was here' })
  const answer = await ann.post(toolCall(1, 'log', { text: 'of Ann' }))
  expect(answer.messages).toHaveLength(1)
  expect(server.output.join('\n')).toContain('of Ann')
})

test('roots, progress and initialized of one client are kept from the shared process', async () => {
  await using server = await startBridge(fixture('raw-server'))
  const session = await openSession(server.url)
  for (const method of [
    'notifications/roots/list_changed',
    'notifications/progress',
    'notifications/custom',
  ]) {
    expect((await session.post({ jsonrpc: '2.0', method })).status).toBe(202)
  }
  // One `initialized` of the bridge's own.
  expect(JSON.parse(await session.text('seen'))).toMatchObject({
    seen: ['notifications/initialized', 'notifications/custom'],
  })
})
