// The official client of the legacy era, @modelcontextprotocol/sdk 1.x.
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  PromptListChangedNotificationSchema,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import {
  ABLE,
  fillIn,
  firstText,
  INFO,
  inWords,
  RECONNECTION,
  ROOT,
  SAMPLE,
  type Asked,
  type Connect,
  type OfficialClient,
} from './official-client.ts'

const NOTIFICATIONS = [
  LoggingMessageNotificationSchema,
  ToolListChangedNotificationSchema,
  PromptListChangedNotificationSchema,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
] as const

export const overStreamableHttp: Connect = (url, able, headers = {}) =>
  connect(
    new StreamableHTTPClientTransport(new URL(url), {
      requestInit: { headers },
      reconnectionOptions: RECONNECTION,
    }),
    able,
  )

export const overHttpSse: Connect = (url, able, headers = {}) =>
  connect(new SSEClientTransport(new URL(`${url}/sse`), { requestInit: { headers } }), able)

async function connect(transport: Transport, able: boolean): Promise<OfficialClient> {
  const client = new Client(INFO, { capabilities: able ? ABLE : {} })
  const heard: string[] = []
  const asked: Asked[] = []
  for (const schema of NOTIFICATIONS) {
    client.setNotificationHandler(schema, ({ method, params }) => void heard.push(inWords(method, params)))
  }
  if (able) {
    client.setRequestHandler(CreateMessageRequestSchema, () => {
      asked.push('sampling')
      return SAMPLE
    })
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
      asked.push(params.mode === 'url' ? 'url' : 'form')
      if (params.mode === 'url') return { action: 'accept' }
      return { action: 'accept', content: fillIn(params.requestedSchema) }
    })
    client.setRequestHandler(ListRootsRequestSchema, () => {
      asked.push('roots')
      return { roots: [ROOT] }
    })
  }
  await client.connect(transport)
  return {
    era: 'legacy',
    heard,
    asked,
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    resources: async () => (await client.listResources()).resources.map(({ uri }) => uri),
    templates: async () =>
      (await client.listResourceTemplates()).resourceTemplates.map(({ uriTemplate }) => uriTemplate),
    prompts: async () => (await client.listPrompts()).prompts.map(({ name }) => name),
    async read(uri) {
      const [first] = (await client.readResource({ uri })).contents
      return first === undefined ? '' : 'text' in first ? first.text : first.blob
    },
    async prompt(name, given) {
      const { messages } = await client.getPrompt({ name, ...(given && { arguments: given }) })
      return messages.map(({ content }) => firstText([content]))
    },
    async complete(prompt, argument, value) {
      const ref = { type: 'ref/prompt', name: prompt } as const
      return (await client.complete({ ref, argument: { name: argument, value } })).completion.values
    },
    async call(name, given = {}, { signal, onProgress } = {}) {
      const result = await client.callTool({ name, arguments: given }, undefined, {
        ...(signal && { signal }),
        ...(onProgress && { onprogress: ({ progress }) => onProgress(progress) }),
      })
      // Typed for servers of 2024 as well, whose results had no content.
      return firstText(result.content as readonly { type: string }[])
    },
    wantLogs: async () => void (await client.setLoggingLevel('debug')),
    subscribe: async (uri) => void (await client.subscribeResource({ uri })),
    ping: async () => void (await client.ping()),
    [Symbol.asyncDispose]: () => client.close(),
  }
}
