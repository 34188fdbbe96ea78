import { expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { fixture, startBridge } from './bridge-server.ts'
import type { RawMessage } from './http-client.ts'
import { ask, callTool, modernRequest, PREFIX, stream, VERSION } from './modern-client.ts'
import { open } from './http-client.ts'
import { openSession, textOf } from './session-client.ts'

const LEGACY = fixture('raw-server')
const ABLE = { capabilities: { elicitation: {}, sampling: {}, roots: {} } }
const FORM = {
  method: 'elicitation/create',
  params: { message: 'Who?', requestedSchema: { type: 'object' } },
}
const ACCEPTED = { action: 'accept', content: { name: 'Ann' } }

interface Asked {
  readonly resultType: string
  readonly inputRequests: Readonly<Record<string, { method: string; params: object }>>
  readonly requestState: string
}
// The bridge made it, and `resultType` is looked at by whoever needs it.
const asked = (message: RawMessage): Asked => message.result as unknown as Asked

async function retry(
  url: string,
  given: object,
  state: unknown,
  inputResponses: unknown,
  options: object = ABLE,
): Promise<RawMessage> {
  const params = { name: 'ask', arguments: given, inputResponses, requestState: state }
  const answer = await ask(url, 'tools/call', params, options)
  const [message] = answer.messages
  if (message === undefined) throw new Error(answer.text)
  return message
}

test('server/discover is made from the handshake, without the tasks of another era', async () => {
  await using server = await startBridge(LEGACY)
  const { result } = (await ask(server.url, 'server/discover')).messages[0] ?? {}
  expect(result).toEqual({
    resultType: 'complete',
    supportedVersions: [VERSION],
    capabilities: {
      tools: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      logging: {},
    },
    instructions: 'Mind the edges.',
    ttlMs: 0,
    cacheScope: 'private',
    _meta: { [`${PREFIX}serverInfo`]: { name: 'raw', version: '1.0.0', pid: expect.any(Number) as number } },
  })
  expect(server.launches()).toBe(1)
})

test('results say what kind they are, who answers and how long they last, and keep all else', async () => {
  await using server = await startBridge(LEGACY)
  const list = await ask(server.url, 'tools/list')
  expect(list.messages[0]?.result).toMatchObject({
    resultType: 'complete',
    ttlMs: 0,
    cacheScope: 'private',
    nextCursor: 'second',
  })
  expect(list.text).toContain('"x-unknown":{"kept":true}')
  const call = await ask(server.url, 'tools/call', { name: 'strange' }, { id: 'é' })
  expect(call.text).toContain('"big":12345678901234567890')
  expect(call.text).toContain('"resultType":"complete"')
  expect(call.messages[0]).toMatchObject({
    id: 'é',
    result: { _meta: { [`${PREFIX}serverInfo`]: { name: 'raw' } } },
  })
})

test.each([
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
  'tasks/list',
  'no/such',
])('%s is no method of the modern era: 404', async (method) => {
  await using server = await startBridge(LEGACY)
  const answer = await ask(server.url, method, {}, { id: 9 })
  expect(answer.status).toBe(404)
  expect(answer.messages[0]).toMatchObject({ id: 9, error: { code: -32601 } })
})

test('a question of the server ends the request, and the retry with the answer gets the result', async () => {
  await using server = await startBridge(LEGACY)
  const first = asked(await callTool(server.url, 'ask', FORM, ABLE))
  expect(first).toMatchObject({ resultType: 'input_required', inputRequests: { r1: FORM } })
  const answer = await retry(server.url, FORM, first.requestState, { r1: ACCEPTED, other: ACCEPTED })
  expect(answer.result).toMatchObject({ resultType: 'complete' })
  expect(JSON.parse(textOf(answer))).toEqual({ result: ACCEPTED })
})

test('a process that was asked about is free for the next call of its subject, and of nobody else', async () => {
  await using server = await startBridge(LEGACY)
  const pidOf = async (subject: string): Promise<unknown> => {
    const options = { ...ABLE, headers: { 'x-subject': subject } }
    return JSON.parse(textOf(await callTool(server.url, 'whoami', {}, options)))
  }
  const ann = await pidOf('ann')
  expect(ann).toMatchObject({ introduction: { capabilities: ABLE.capabilities } })
  expect(await pidOf('ann')).toEqual(ann)
  expect(await pidOf('ben')).not.toEqual(ann)
  expect(server.launches()).toBe(3)
})

test('what is missing is asked again, and a state is accepted once', async () => {
  await using server = await startBridge(LEGACY)
  const first = asked(await callTool(server.url, 'ask', FORM, ABLE))
  const second = asked(await retry(server.url, FORM, first.requestState, { r1: 12 }))
  expect(second).toMatchObject({ resultType: 'input_required', inputRequests: { r1: FORM } })
  expect((await retry(server.url, FORM, first.requestState, { r1: ACCEPTED })).error).toMatchObject({
    code: -32602,
  })
  expect((await retry(server.url, FORM, second.requestState, { r1: ACCEPTED })).result).toMatchObject({
    resultType: 'complete',
  })
  expect((await retry(server.url, FORM, second.requestState, { r1: ACCEPTED })).error).toMatchObject({
    code: -32602,
  })
})

test('a state of another subject, for another request, or tampered with is refused', async () => {
  await using server = await startBridge(LEGACY)
  const { requestState: state } = asked(await callTool(server.url, 'ask', FORM, ABLE))
  const answers = { r1: ACCEPTED }
  const refused = { error: { code: -32602 } }
  expect(
    await retry(server.url, FORM, state, answers, { ...ABLE, headers: { 'x-subject': 'eve' } }),
  ).toMatchObject(refused)
  expect(await retry(server.url, { ...FORM, ms: 1 }, state, answers)).toMatchObject(refused)
  expect(await retry(server.url, FORM, `${state}x`, answers)).toMatchObject(refused)
  expect(await retry(server.url, FORM, state, null)).toMatchObject(refused)
  const reordered = { params: FORM.params, method: FORM.method }
  expect((await retry(server.url, reordered, state, answers)).result).toMatchObject({
    resultType: 'complete',
  })
})

test('a call that was lost with its bridge is an error, and is not made a second time', async () => {
  await using lost = await startBridge(LEGACY)
  const { requestState } = asked(await callTool(lost.url, 'ask', FORM, ABLE))
  await using next = await startBridge(LEGACY)
  const answer = await retry(next.url, FORM, requestState, { r1: ACCEPTED })
  expect(answer.error).toMatchObject({ code: -32_602, message: expect.stringContaining('is gone') as string })
  expect(answer.result).toBeUndefined()
})

test('an answer that comes with the call is used when the question comes', async () => {
  await using server = await startBridge(LEGACY)
  const answer = await retry(server.url, FORM, undefined, { r1: ACCEPTED, extra: ACCEPTED })
  expect(JSON.parse(textOf(answer))).toEqual({ result: ACCEPTED })
})

test('a question may name the key under which the client sees it; otherwise its id does, if that is text', async () => {
  await using server = await startBridge(LEGACY)
  const hinted = { ...FORM, params: { ...FORM.params, _meta: { 'dev.catwalk/inputKey': 'name' } } }
  const first = asked(await callTool(server.url, 'ask', hinted, ABLE))
  expect(Object.keys(first.inputRequests)).toEqual(['name'])
  const answer = await retry(server.url, hinted, first.requestState, { name: ACCEPTED })
  expect(JSON.parse(textOf(answer))).toEqual({ result: ACCEPTED })
  const named = asked(await callTool(server.url, 'askBriefly', { ...FORM, ms: 20_000 }, ABLE))
  expect(Object.keys(named.inputRequests)).toEqual(['brief-2'])
})

test('who comes back after the server gave up waiting gets the result that it made of that', async () => {
  await using server = await startBridge(LEGACY)
  const given = { ...FORM, ms: 100 }
  const { requestState } = asked(await callTool(server.url, 'askBriefly', given, ABLE))
  await until('the server has given up', () =>
    server.output.includes('stdout: gave up waiting') ? true : null,
  )
  const params = {
    name: 'askBriefly',
    arguments: given,
    inputResponses: { 'brief-1': ACCEPTED },
    requestState,
  }
  const { messages } = await ask(server.url, 'tools/call', params, ABLE)
  expect(messages.map(textOf)).toEqual(['gave up'])
})

test('a question outside any call, with nobody to hear it, is answered with an error', async () => {
  await using server = await startBridge(LEGACY)
  for (const [i, options] of [{}, ABLE].entries()) {
    await callTool(server.url, 'askLater', { method: 'roots/list', ms: 0 }, options)
    // A call made meanwhile would be taken for the one that the question belongs to.
    const told = () => server.output.filter((line) => line.includes(': answer '))[i] ?? null
    expect(await until('the answer', told)).toContain('-32601')
  }
})

test('a missing resource has the code of the modern era, and is named', async () => {
  await using server = await startBridge(LEGACY)
  const { status, messages } = await ask(server.url, 'resources/read', { uri: 'raw://möglich' })
  expect(status).toBe(200)
  expect(messages[0]?.error).toMatchObject({ code: -32602, data: { uri: 'raw://möglich' } })
})

test('a client that does not come back in time: the server is told, the call cancelled, the process ended', async () => {
  await using server = await startBridge(LEGACY, { limits: { holdMs: 30, keepAliveMs: 20 } })
  const { requestState } = asked(await callTool(server.url, 'ask', FORM, ABLE))
  await expect
    .poll(async () => (await retry(server.url, FORM, requestState, { r1: ACCEPTED })).error)
    .toMatchObject({ code: -32602, message: expect.stringMatching('expired|gone') as string })
})

test('what a client has not declared is not asked of it: -32021 with status 400', async () => {
  await using server = await startBridge(LEGACY)
  for (const capabilities of [{}, { roots: {} }, { elicitation: { url: {} } }]) {
    const answer = await ask(server.url, 'tools/call', { name: 'ask', arguments: FORM }, { capabilities })
    expect(answer.status).toBe(400)
    const data = { requiredCapabilities: { elicitation: { form: {} } } }
    expect(answer.messages[0]?.error).toMatchObject({ code: -32021, data })
  }
})

test('a crash answers the call that was under way with an error, and others go on', async () => {
  await using server = await startBridge(LEGACY)
  const crashing = callTool(server.url, 'crash', { ms: 1 }, ABLE)
  expect((await crashing).error).toMatchObject({ code: -32000, data: { error: 'server_exited' } })
  expect(textOf(await callTool(server.url, 'echo', { text: 'on' }))).toBe('on')
})

test('a client that closes the connection cancels its call on a shared process', async () => {
  await using server = await startBridge(LEGACY)
  const { headers, body } = modernRequest('tools/call', { name: 'sleep', arguments: { ms: 20_000 } })
  const { request } = open(server.url, 'POST', headers, body)
  await callTool(server.url, 'echo', { text: '' })
  request.destroy()
  await expect
    .poll(async () => textOf(await callTool(server.url, 'seen')))
    .toContain('notifications/cancelled')
})

test('listening is acknowledged with what the server offers, and hears exactly that', async () => {
  await using server = await startBridge(LEGACY)
  const notifications = {
    toolsListChanged: true,
    promptsListChanged: true,
    resourceSubscriptions: ['raw://one'],
  }
  const listener = await stream(server.url, 'subscriptions/listen', { notifications }, { id: 'mine' })
  const meta = { [`${PREFIX}subscriptionId`]: 'mine' }
  expect(await listener.next()).toMatchObject({
    method: 'notifications/subscriptions/acknowledged',
    params: { _meta: meta, notifications: { toolsListChanged: true, resourceSubscriptions: ['raw://one'] } },
  })
  await callTool(server.url, 'updated', { text: 'raw://other' })
  await callTool(server.url, 'updated', { text: 'raw://one' })
  await callTool(server.url, 'changed')
  expect(await listener.next()).toMatchObject({ params: { uri: 'raw://one', _meta: meta } })
  expect(await listener.next()).toMatchObject({
    method: 'notifications/tools/list_changed',
    params: { _meta: meta },
  })
  listener.close()
  await expect
    .poll(async () => textOf(await callTool(server.url, 'seen')))
    .toContain('resources/unsubscribe raw://one')
})

test('on shutdown a subscription ends with its result', async () => {
  await using server = await startBridge(LEGACY)
  const listener = await stream(
    server.url,
    'subscriptions/listen',
    { notifications: { toolsListChanged: true } },
    { id: 1 },
  )
  await listener.next()
  void server.bridge.stop(1000)
  expect(await listener.next()).toMatchObject({
    id: 1,
    result: { resultType: 'complete', _meta: { [`${PREFIX}subscriptionId`]: 1 } },
  })
  await listener.ended
})

test('log messages are for requests that ask for them', async () => {
  await using server = await startBridge(LEGACY)
  const loud = await ask(
    server.url,
    'tools/call',
    { name: 'log', arguments: { text: 'x' } },
    { meta: { [`${PREFIX}logLevel`]: 'debug' } },
  )
  expect(loud.messages.map(({ method }) => method)).toEqual(['notifications/message', undefined])
  const quiet = await ask(server.url, 'tools/call', { name: 'log', arguments: { text: 'x' } })
  expect(quiet.messages).toHaveLength(1)
})

test('legacy and modern clients use one process side by side', async () => {
  await using server = await startBridge(LEGACY)
  const session = await openSession(server.url)
  const [old, modern] = await Promise.all([session.text('whoami'), callTool(server.url, 'whoami')])
  expect(old).toBe(textOf(modern))
  // The other one was asked whether it speaks the modern era too.
  expect(server.launches()).toBe(2)
})

const PAGES = { capabilities: { elicitation: { url: {} } } }
const paywall = (url: string, more: object = {}, options: object = PAGES) =>
  ask(url, 'tools/call', { name: 'paywall', arguments: {}, ...more }, options)

test('pages that a server wants to be opened first are asked for, after which the call is made again', async () => {
  await using server = await startBridge(LEGACY)
  const [message = {}] = (await paywall(server.url)).messages
  const { requestState, ...first } = asked(message)
  // The modern era has no id of a page.
  const params = { mode: 'url', message: 'Pay', url: 'https://example.com/pay' }
  expect(first).toEqual({
    resultType: 'input_required',
    inputRequests: { r1: { method: 'elicitation/create', params } },
  })
  const stolen = { ...PAGES, headers: { 'x-subject': 'eve' } }
  const inputResponses = { r1: { action: 'accept' } }
  const thief = await paywall(server.url, { requestState, inputResponses }, stolen)
  expect(thief.messages[0]).toMatchObject({ error: { code: -32602 } })
  const paid = await paywall(server.url, { requestState, inputResponses })
  expect(paid.messages.map(textOf)).toEqual(['paid'])
})

test('a page that was declined is not asked for again', async () => {
  await using server = await startBridge(LEGACY)
  const [message = {}] = (await paywall(server.url)).messages
  const { requestState } = asked(message)
  const inputResponses = { r1: { action: 'decline' } }
  const declined = await paywall(server.url, { requestState, inputResponses })
  expect(declined.status).toBe(200)
  expect(declined.messages[0]).toMatchObject({ error: { code: -32600 } })
})

test('a client that opens no pages gets the error as it is', async () => {
  await using server = await startBridge(LEGACY)
  for (const capabilities of [{}, { elicitation: { form: {} } }]) {
    const { messages } = await paywall(server.url, {}, { capabilities })
    expect(messages[0]).toMatchObject({ error: { code: -32042 } })
  }
})
