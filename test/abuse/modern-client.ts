import { open, send, type Headers, type RawAnswer } from '../bridge/http-client.ts'

const VERSION = '2026-07-28'

export interface ModernRequest {
  readonly id?: unknown
  readonly method: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly capabilities?: object
  readonly progressToken?: unknown
  readonly headers?: Headers
}

/** The body and headers of a request of the era without handshakes. */
function modernRequest(request: ModernRequest): { headers: Headers; body: string } {
  const { id = 1, method, params = {}, capabilities = {}, progressToken, headers = {} } = request
  const name = params['name'] ?? params['uri']
  return {
    headers: {
      'mcp-protocol-version': VERSION,
      'mcp-method': method,
      ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
      ...headers,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id,
      method,
      params: {
        ...params,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': VERSION,
          'io.modelcontextprotocol/clientCapabilities': capabilities,
          ...(progressToken === undefined ? {} : { progressToken }),
        },
      },
    }),
  }
}

export const modernTool = (
  name: string,
  given: object = {},
  more: Partial<ModernRequest> = {},
): ModernRequest => ({
  ...more,
  method: 'tools/call',
  params: { name, arguments: given },
})

export function sendModern(url: string, request: ModernRequest): Promise<RawAnswer> {
  const { headers, body } = modernRequest(request)
  return send(url, 'POST', headers, body)
}

export function openModern(url: string, request: ModernRequest): ReturnType<typeof open> {
  const { headers, body } = modernRequest(request)
  return open(url, 'POST', headers, body)
}
