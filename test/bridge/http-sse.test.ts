import { Client as DualClient, SSEClientTransport as DualTransport } from '@modelcontextprotocol/client'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  LoggingMessageNotificationSchema,
  ProgressNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startBridgeServer, type BridgeServer } from '../../src/bridge/index.ts'
import { until } from '../support/until.ts'
import { open, send } from './http-client.ts'

const CAPABILITIES = { sampling: {}, elicitation: {}, roots: {} }
const call = (name: string, given: Record<string, unknown> = {}) => ({ name, arguments: given })
const program = (name: string) =>
  fileURLToPath(new URL(`../conformance/fixtures/${name}-server.ts`, import.meta.url))

async function connect(url: string, capabilities = {}): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' }, { capabilities })
  await client.connect(new SSEClientTransport(new URL(`${url}/sse`)))
  return client
}

describe.each(['legacy', 'modern'])('a client of HTTP+SSE and a %s server', (name) => {
  let server: BridgeServer
  beforeAll(async () => {
    const command = [process.execPath, program(name)] as const
    server = await startBridgeServer({ command, port: 0, host: '127.0.0.1' })
  })
  afterAll(() => server.close(0))

  test('list, call, read, complete, and hear of progress, log lines, changes and updates', async () => {
    const client = await connect(server.url)
    const heard: string[] = []
    for (const schema of [ToolListChangedNotificationSchema, ResourceUpdatedNotificationSchema]) {
      client.setNotificationHandler(schema, ({ method }) => void heard.push(method))
    }
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ method }) => void heard.push(method))
    expect((await client.listTools()).tools.length).toBeGreaterThan(8)
    const progress: number[] = []
    // The client forgets who asked for progress as soon as the result is there, even before what came just before it.
    client.setNotificationHandler(
      ProgressNotificationSchema,
      ({ params }) => void progress.push(params.progress),
    )
    await client.callTool(call('test_tool_with_progress'), undefined, { onprogress: () => undefined })
    expect(progress).toEqual([0, 50, 100])
    await client.setLoggingLevel('debug')
    await client.callTool(call('test_tool_with_logging'))
    expect(heard).toEqual(Array.from({ length: 3 }, () => 'notifications/message'))
    await client.subscribeResource({ uri: 'test://watched-resource' })
    await client.callTool(call('test_trigger_resource_update'))
    await client.callTool(call('test_trigger_tool_change'))
    await until('the notifications come', () => (heard.length >= 5 ? true : null))
    expect(heard.slice(3).toSorted()).toEqual([
      'notifications/resources/updated',
      'notifications/tools/list_changed',
    ])
    await client.close()
  })

  test('a call that takes long keeps no other one waiting, and can be cancelled', async () => {
    const client = await connect(server.url)
    const abort = new AbortController()
    const long = client.callTool(call('test_until_cancelled'), undefined, { signal: abort.signal })
    expect(await client.callTool(call('test_simple_text'))).toMatchObject({ content: [{ type: 'text' }] })
    abort.abort()
    await expect(long).rejects.toThrow('AbortError')
    await until('the server knows', async () => {
      const { content } = await client.callTool(call('test_cancelled_calls'))
      return JSON.stringify(content).includes('"0"') ? null : true
    })
    await client.close()
  })

  test('a client of both eras is told that this transport has the handshake only', async () => {
    const client = new DualClient({ name: 'dual', version: '1' }, { versionNegotiation: { mode: 'auto' } })
    await client.connect(new DualTransport(new URL(`${server.url}/sse`)))
    expect(client.getProtocolEra()).toBe('legacy')
    expect((await client.listTools()).tools.length).toBeGreaterThan(8)
    await client.close()
  })

  test('answer what the server asks', async () => {
    const client = await connect(server.url, CAPABILITIES)
    client.setRequestHandler(CreateMessageRequestSchema, () => ({
      role: 'assistant',
      model: 'm',
      content: { type: 'text', text: 'Paris' },
    }))
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { response: 'yes' } }))
    expect(await client.callTool(call('test_sampling', { prompt: 'Capital?' }))).toMatchObject({
      content: [{ text: 'LLM response: Paris' }],
    })
    expect(await client.callTool(call('test_elicitation', { message: 'Sure?' }))).toMatchObject({
      content: [{ text: 'User response: action=accept, content={"response":"yes"}' }],
    })
    await client.close()
  })
})

test('a stream names its address first, and takes messages until it ends, from nobody who does not know it', async () => {
  const command = [process.execPath, program('legacy')] as const
  const server = await startBridgeServer({ command, port: 0, host: '127.0.0.1' })
  const sse = `${server.url}/sse`
  const { request, response } = open(sse, 'GET')
  const [first] = (await once((await response).setEncoding('utf8'), 'data')) as [string]
  const address = /^event: endpoint\ndata: (\?session=[\w-]{24})\n\n$/.exec(first)?.[1] ?? ''
  const post = (to: string, body: string) => send(sse + to, 'POST', {}, body)
  expect((await post(address, '{"jsonrpc":"2.0",')).status).toBe(400)
  expect((await post(address, '{"jsonrpc":"2.0","id":1,"method":"ping"}')).status).toBe(400)
  expect((await post('?session=unknown', '{}')).status).toBe(404)
  expect((await post('', '{}')).status).toBe(404)
  expect((await send(sse, 'DELETE')).status).toBe(405)
  request.destroy()
  await until('the stream has ended', async () => ((await post(address, '{}')).status === 404 ? true : null))
  await server.close(0)
})
