import { expect, test } from 'vitest'
import { createToolRules, type JsonObject, type ToolDoor, type ToolSettings } from '../../src/domain/index.ts'
import { fixture, startBridge } from './bridge-server.ts'
import { send, type RawAnswer } from './http-client.ts'
import { ask, callTool, modernRequest, stream } from './modern-client.ts'
import { openSession, textOf, toolCall } from './session-client.ts'

const ABLE = { capabilities: { elicitation: {}, sampling: {}, roots: {} } }
const SERVERS = [
  ['legacy', fixture('raw-server')],
  ['modern', fixture('raw-modern-server')],
] as const

interface Door extends ToolDoor {
  readonly seen: readonly JsonObject[]
  set(settings: ToolSettings): void
}

function doorWith(settings: ToolSettings): Door {
  const listeners = new Set<() => void>()
  const seen: JsonObject[] = []
  let rules = createToolRules(settings)
  return {
    get rules() {
      return rules
    },
    saw: (tools) => seen.push(...tools),
    knows: () => true,
    offered: () => undefined,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    seen,
    set(next) {
      rules = createToolRules(next)
      for (const listener of listeners) listener()
    },
  }
}

const namesIn = ({ messages }: RawAnswer): unknown[] => {
  const tools = messages.at(-1)?.result?.['tools'] as readonly { name: string }[]
  return tools.map(({ name }) => name)
}

const textOfList = async (url: string): Promise<string> =>
  (await (await openSession(url)).post({ jsonrpc: '2.0', id: 1, method: 'tools/list' })).text

test.each(SERVERS)(
  'clients of both eras see and call the tools of a %s server under the names that its owner gave',
  async (_era, command) => {
    await using server = await startBridge(command, { tools: doorWith({ echo: { name: 'say' } }) })
    const session = await openSession(server.url)
    const listed = await session.post({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
    expect(namesIn(listed)).toContain('say')
    expect(namesIn(listed)).not.toContain('echo')
    expect((await session.call('say', { text: 'hi' })).error).toBeUndefined()
    expect((await session.call('echo')).error?.data).toMatchObject({ error: 'tool_renamed' })
    for (const options of [{}, ABLE]) {
      expect(namesIn(await ask(server.url, 'tools/list', {}, options))).toContain('say')
      expect((await callTool(server.url, 'say', { text: 'hi' }, options)).error).toBeUndefined()
      expect((await callTool(server.url, 'echo', {}, options)).error?.data).toMatchObject({
        error: 'tool_renamed',
      })
    }
  },
)

test.each(SERVERS)('a tool of a %s server that is switched off is not there', async (_era, command) => {
  await using server = await startBridge(command, { tools: doorWith({ echo: { disabled: true } }) })
  const session = await openSession(server.url)
  expect(namesIn(await session.post({ jsonrpc: '2.0', id: 1, method: 'tools/list' }))).not.toContain('echo')
  const refused = { error: 'tool_disabled', help: expect.stringContaining('enable') as string }
  expect((await session.call('echo')).error?.data).toMatchObject(refused)
  expect((await callTool(server.url, 'echo')).error?.data).toMatchObject(refused)
  const caller = { subject: 'tok_1', requestId: 'req_1' }
  const own = server.bridge.request('tools/call', { name: 'echo' }, caller, AbortSignal.timeout(10_000))
  await expect(own).rejects.toMatchObject({ code: 'tool_disabled' })
})

test('Mcp-Name must say what the client itself calls the tool', async () => {
  await using server = await startBridge(fixture('raw-modern-server'), {
    tools: doorWith({ echo: { name: 'say' } }),
  })
  const { body, headers } = modernRequest('tools/call', { name: 'say', arguments: {} })
  const refused = await send(server.url, 'POST', { ...headers, 'mcp-name': 'echo' }, body)
  expect([refused.status, refused.messages[0]?.error?.code]).toEqual([400, -32020])
  expect((await send(server.url, 'POST', headers, body)).status).toBe(200)
})

test('in a batch each call is judged by itself', async () => {
  await using server = await startBridge(fixture('raw-server'), {
    tools: doorWith({ echo: { name: 'say' } }),
  })
  const session = await openSession(server.url, { version: '2025-03-26' })
  const batch = [toolCall('a', 'say', { text: 'hi' }), toolCall('b', 'echo')]
  const { messages } = await session.post(JSON.stringify(batch))
  const all = messages.flatMap((message) => (Array.isArray(message) ? message : [message]) as typeof messages)
  const byId = new Map(all.map((message) => [message.id, message]))
  expect(textOf(byId.get('a') ?? {})).toContain('hi')
  expect(byId.get('b')?.error?.data).toMatchObject({ error: 'tool_renamed' })
})

test.each(SERVERS)(
  'everybody who listens to a %s server hears that the list changed',
  async (_era, command) => {
    const door = doorWith({})
    await using server = await startBridge(command, { tools: door })
    const session = await openSession(server.url)
    const listening = await session.listen()
    const flags = { notifications: { toolsListChanged: true } }
    const subscribed = await stream(server.url, 'subscriptions/listen', flags)
    expect((await subscribed.next()).method).toBe('notifications/subscriptions/acknowledged')
    door.set({ echo: { disabled: true } })
    expect((await listening.next()).method).toBe('notifications/tools/list_changed')
    expect((await subscribed.next()).method).toBe('notifications/tools/list_changed')
    expect(namesIn(await ask(server.url, 'tools/list'))).not.toContain('echo')
  },
)

test('without anything set, a list is the server’s own bytes', async () => {
  await using plain = await startBridge(fixture('raw-server'))
  await using watched = await startBridge(fixture('raw-server'), { tools: doorWith({}) })
  expect(await textOfList(watched.url)).toBe(await textOfList(plain.url))
})
