// The official client of both eras, @modelcontextprotocol/client 2.x.
import {
  Client,
  LOG_LEVEL_META_KEY,
  SSEClientTransport,
  StreamableHTTPClientTransport,
  type Transport,
  type PriorDiscovery,
  type VersionNegotiationMode,
} from '@modelcontextprotocol/client'
import {
  ABLE,
  fillIn,
  firstText,
  INFO,
  inWords,
  LIST_CHANGES,
  RECONNECTION,
  ROOT,
  SAMPLE,
  type Asked,
  type Connect,
  type OfficialClient,
} from './official-client.ts'

const NOTIFICATIONS = [
  'notifications/message',
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
  'notifications/resources/updated',
] as const

const streamableHttp = (url: string, headers: Record<string, string>) =>
  new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers },
    reconnectionOptions: RECONNECTION,
  })

/** Streamable HTTP, with the client's own way to find out how a server speaks. */
export const negotiating =
  (mode: VersionNegotiationMode): Connect =>
  (url, able, headers = {}) =>
    connect(streamableHttp(url, headers), mode, able)

/** The deprecated transport, which has no modern era. */
export const overHttpSse =
  (mode: VersionNegotiationMode): Connect =>
  (url, able, headers = {}) =>
    connect(new SSEClientTransport(new URL(`${url}/sse`), { requestInit: { headers } }), mode, able)

/** With what another client found out about the server before. */
export const withPrior: Connect = async (url, able, headers = {}) => {
  const scout = new Client(INFO, { versionNegotiation: { mode: 'auto' } })
  await scout.connect(streamableHttp(url, headers))
  const discover = scout.getDiscoverResult()
  await scout.close()
  const prior: PriorDiscovery = discover === undefined ? { kind: 'legacy' } : { kind: 'modern', discover }
  return connect(streamableHttp(url, headers), 'auto', able, prior)
}

async function connect(
  transport: Transport,
  mode: VersionNegotiationMode,
  able: boolean,
  prior?: PriorDiscovery,
): Promise<OfficialClient> {
  const client = new Client(INFO, { capabilities: able ? ABLE : {}, versionNegotiation: { mode } })
  const heard: string[] = []
  const asked: Asked[] = []
  let logs = {}
  for (const method of NOTIFICATIONS) {
    client.setNotificationHandler(method, ({ params }) => void heard.push(inWords(method, params)))
  }
  if (able) {
    client.setRequestHandler('sampling/createMessage', () => {
      asked.push('sampling')
      return SAMPLE
    })
    client.setRequestHandler('elicitation/create', ({ params }) => {
      asked.push(params.mode === 'url' ? 'url' : 'form')
      if (params.mode === 'url') return { action: 'accept' }
      return { action: 'accept', content: fillIn(params.requestedSchema) }
    })
    client.setRequestHandler('roots/list', () => {
      asked.push('roots')
      return { roots: [ROOT] }
    })
  }
  await client.connect(transport, prior === undefined ? {} : { prior })
  const era = client.getProtocolEra() ?? 'legacy'
  return {
    era,
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
      const result = await client.callTool(
        { name, arguments: given, ...logs },
        {
          ...(signal && { signal }),
          ...(onProgress && { onprogress: ({ progress }) => onProgress(progress) }),
        },
      )
      return firstText(result.content)
    },
    async wantLogs() {
      if (era === 'modern') logs = { _meta: { [LOG_LEVEL_META_KEY]: 'debug' } }
      else await client.setLoggingLevel('debug')
    },
    async subscribe(uri) {
      if (era === 'legacy') return void (await client.subscribeResource({ uri }))
      const lists = Object.fromEntries(LIST_CHANGES.map((list) => [`${list}ListChanged`, true]))
      await client.listen({ ...lists, resourceSubscriptions: [uri] })
    },
    ping: async () => void (await client.ping()),
    [Symbol.asyncDispose]: () => client.close(),
  }
}
