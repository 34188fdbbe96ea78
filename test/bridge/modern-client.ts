import { encodeHeaderValue } from '../../src/protocol/index.ts'
import {
  openStream,
  send,
  type Headers,
  type OpenStream,
  type RawAnswer,
  type RawMessage,
} from './http-client.ts'

export const PREFIX = 'io.modelcontextprotocol/'
export const VERSION = '2026-07-28'

export interface ModernOptions {
  readonly capabilities?: object
  readonly meta?: object
  readonly headers?: Headers
  readonly id?: unknown
}

let ids = 1000

/** The envelope that each request of the modern era carries. */
function envelope(capabilities: object = {}): Record<string, unknown> {
  return {
    [`${PREFIX}protocolVersion`]: VERSION,
    [`${PREFIX}clientInfo`]: { name: 'test', version: '1' },
    [`${PREFIX}clientCapabilities`]: capabilities,
  }
}

/** A request of the modern era and its headers, spoken by hand. */
export function modernRequest(
  method: string,
  params: object,
  options: ModernOptions = {},
): { headers: Headers; body: string } {
  const { capabilities, meta = {}, headers = {}, id = ++ids } = options
  const { name, uri } = params as { name?: string; uri?: string }
  const named =
    method === 'resources/read' ? uri : method === 'tools/call' || method === 'prompts/get' ? name : undefined
  return {
    headers: {
      'mcp-protocol-version': VERSION,
      'mcp-method': method,
      ...(named === undefined ? {} : { 'mcp-name': encodeHeaderValue(named) }),
      ...headers,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id,
      method,
      params: { ...params, _meta: { ...envelope(capabilities), ...meta } },
    }),
  }
}

/** Sends a request of the modern era and reads the whole answer. */
export async function ask(
  url: string,
  method: string,
  params: object = {},
  options: ModernOptions = {},
): Promise<RawAnswer> {
  const { headers, body } = modernRequest(method, params, options)
  return send(url, 'POST', headers, body)
}

/** Calls a tool; the last message of the answer. */
export async function callTool(
  url: string,
  name: string,
  given: object = {},
  options: ModernOptions = {},
): Promise<RawMessage> {
  const answer = await ask(url, 'tools/call', { name, arguments: given }, options)
  const last = answer.messages.at(-1)
  if (last === undefined) throw new Error(`no answer: ${answer.status} ${answer.text}`)
  return last
}

/** Sends a request and reads its answer as it comes. */
export async function stream(
  url: string,
  method: string,
  params: object,
  options: ModernOptions = {},
): Promise<OpenStream> {
  const { headers, body } = modernRequest(method, params, options)
  return openStream(url, 'POST', headers, body)
}
