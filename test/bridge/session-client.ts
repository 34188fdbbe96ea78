import {
  openStream,
  send,
  type Headers,
  type OpenStream,
  type RawAnswer,
  type RawMessage,
} from './http-client.ts'

/** A legacy session, spoken by hand. */
export interface SessionClient {
  readonly id: string
  readonly initialized: RawMessage
  readonly headers: Headers
  post(body: string | object, headers?: Headers): Promise<RawAnswer>
  call(tool: string, given?: object, id?: unknown): Promise<RawMessage>
  /** The text that a tool returned. */
  text(tool: string, given?: object): Promise<string>
  stream(body: object, headers?: Headers): Promise<OpenStream>
  listen(headers?: Headers): Promise<OpenStream>
  end(): Promise<RawAnswer>
}

export interface SessionOptions {
  readonly capabilities?: object
  readonly version?: string
  readonly headers?: Headers
}

let ids = 0

/** Opens a session: `initialize`, then `notifications/initialized`. */
export async function openSession(url: string, options: SessionOptions = {}): Promise<SessionClient> {
  const { capabilities = {}, version = '2025-06-18', headers = {} } = options
  const params = { protocolVersion: version, capabilities, clientInfo: { name: 'test', version: '1' } }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 'init', method: 'initialize', params })
  const answer = await send(url, 'POST', headers, body)
  const [initialized] = answer.messages
  const id = answer.headers['mcp-session-id']
  if (typeof id !== 'string' || initialized === undefined) throw new Error(`no session: ${answer.text}`)
  const client = continueSession(url, id, initialized, { ...headers, 'mcp-protocol-version': version })
  await client.post({ jsonrpc: '2.0', method: 'notifications/initialized' })
  return client
}

/** A session that was opened before, at this address or another one. */
export function continueSession(
  url: string,
  id: string,
  initialized: RawMessage = {},
  given: Headers = {},
): SessionClient {
  const headers: Headers = { ...given, 'mcp-session-id': id }
  const post = (body: string | object, more: Headers = {}) =>
    send(url, 'POST', { ...headers, ...more }, typeof body === 'string' ? body : JSON.stringify(body))

  async function call(tool: string, params: object = {}, callId: unknown = ++ids): Promise<RawMessage> {
    const answer = await post({
      jsonrpc: '2.0',
      id: callId,
      method: 'tools/call',
      params: { name: tool, arguments: params },
    })
    const last = answer.messages.at(-1)
    if (last === undefined) throw new Error(`no answer: ${answer.status} ${answer.text}`)
    return last
  }

  return {
    id,
    initialized,
    headers,
    post,
    call,
    async text(tool, params) {
      const message = await call(tool, params)
      return textOf(message)
    },
    stream: (body, more = {}) => openStream(url, 'POST', { ...headers, ...more }, JSON.stringify(body)),
    listen: (more = {}) => openStream(url, 'GET', { ...headers, accept: 'text/event-stream', ...more }),
    end: () => send(url, 'DELETE', headers),
  }
}

/** The text in a tool's result. */
export function textOf(message: RawMessage): string {
  const content = message.result?.['content'] as readonly { text?: string }[] | undefined
  const text = content?.[0]?.text
  if (text === undefined) throw new Error(`not a text: ${JSON.stringify(message)}`)
  return text
}

/** A `tools/call` request. */
export function toolCall(id: unknown, name: string, given: object = {}, meta?: object): object {
  const params = { name, arguments: given, ...(meta === undefined ? {} : { _meta: meta }) }
  return { jsonrpc: '2.0', id, method: 'tools/call', params }
}
