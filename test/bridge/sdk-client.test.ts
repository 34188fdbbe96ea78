import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  LoggingMessageNotificationSchema,
  type ClientCapabilities,
} from '@modelcontextprotocol/sdk/types.js'
import {
  Client as DualClient,
  StreamableHTTPClientTransport as DualTransport,
} from '@modelcontextprotocol/client'
import { expect, test } from 'vitest'
import { fixture, startBridge } from './bridge-server.ts'

async function connect(url: string, capabilities: ClientCapabilities = {}) {
  const client = new Client({ name: 'test', version: '1' }, { capabilities })
  const transport = new StreamableHTTPClientTransport(new URL(url))
  await client.connect(transport)
  return Object.assign(client, {
    endSession: () => transport.terminateSession(),
    [Symbol.asyncDispose]: () => client.close(),
  })
}

const ask = (name: string, given: Record<string, unknown> = {}) => ({ name, arguments: given })

test('the official client lists and uses everything, on a shared process', async () => {
  await using server = await startBridge(fixture('sdk-server'))
  await using client = await connect(server.url)
  expect(client.getServerVersion()).toMatchObject({ name: 'sdk-server' })
  expect((await client.listTools()).tools.length).toBeGreaterThan(8)
  expect((await client.listPrompts()).prompts).toHaveLength(4)
  expect((await client.listResources()).resources).toHaveLength(3)
  expect((await client.readResource({ uri: 'test://template/7/data' })).contents[0]).toMatchObject({
    uri: 'test://template/7/data',
  })
  const prompt = await client.getPrompt({
    name: 'test_prompt_with_arguments',
    arguments: { arg1: 'a', arg2: 'b' },
  })
  expect(prompt.messages[0]?.content).toMatchObject({ text: "Prompt with arguments: arg1='a', arg2='b'" })
  expect(await client.callTool(ask('test_error_handling'))).toMatchObject({ isError: true })
  await client.ping()
})

test('the official client receives progress and log messages of its call', async () => {
  await using server = await startBridge(fixture('sdk-server'))
  await using client = await connect(server.url)
  const logged: unknown[] = []
  client.setNotificationHandler(
    LoggingMessageNotificationSchema,
    ({ params }) => void logged.push(params.data),
  )
  await client.setLoggingLevel('debug')
  await client.callTool(ask('test_tool_with_logging'))
  expect(logged).toEqual(['Tool execution started', 'Tool processing data', 'Tool execution completed'])
  const progress: number[] = []
  const onprogress = (report: { progress: number }) => void progress.push(report.progress)
  await client.callTool(ask('test_tool_with_progress'), undefined, { onprogress })
  expect(progress).toEqual([0, 50, 100])
})

test('the official client answers sampling and elicitation, several clients at once', async () => {
  await using server = await startBridge(fixture('sdk-server'))
  await Promise.all(
    ['Ann', 'Ben', 'Cleo'].map(async (name) => {
      await using client = await connect(server.url, { sampling: {}, elicitation: {} })
      client.setRequestHandler(CreateMessageRequestSchema, () => ({
        role: 'assistant',
        model: 'm',
        content: { type: 'text', text: `I am ${name}` },
      }))
      client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { response: name } }))
      expect(await client.callTool(ask('test_sampling', { prompt: 'Who?' }))).toMatchObject({
        content: [{ text: `LLM response: I am ${name}` }],
      })
      expect(await client.callTool(ask('test_elicitation', { message: 'Who?' }))).toMatchObject({
        content: [{ text: `User response: action=accept, content={"response":"${name}"}` }],
      })
    }),
  )
})

test('the official client cancels, and its session ends with it', async () => {
  await using server = await startBridge(fixture('raw-server'))
  await using client = await connect(server.url)
  const abort = new AbortController()
  const call = client.callTool(ask('sleep', { ms: 20_000 }), undefined, { signal: abort.signal })
  await client.callTool(ask('echo', { text: 'under way' }))
  abort.abort()
  await expect(call).rejects.toThrow('AbortError')
  expect(await client.callTool(ask('seen'))).toMatchObject({
    content: [{ text: expect.stringContaining('notifications/cancelled') as string }],
  })
  await client.endSession()
})

test('a client of both eras is served without a handshake by a legacy server', async () => {
  await using server = await startBridge(fixture('sdk-server'))
  const client = new DualClient({ name: 'dual', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  await client.connect(new DualTransport(new URL(server.url)))
  expect(await client.callTool({ name: 'test_simple_text' })).toMatchObject({
    content: [{ text: 'This is a simple text response for testing.' }],
  })
  await client.close()
})
