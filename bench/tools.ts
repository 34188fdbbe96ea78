/** A request of the load client, which is all that the bench's servers understand. */
export interface BenchRequest {
  readonly id?: number
  readonly method: string
  readonly params?: {
    readonly name?: string
    readonly arguments?: { readonly text?: string; readonly bytes?: number }
    readonly protocolVersion?: string
  }
}

const CAPABILITIES = { tools: {} }
const IDENTITY = { name: 'bench', version: '1.0.0' }
const TOOLS = ['echo', 'big', 'wait', 'crash'].map((name) => ({ name, inputSchema: { type: 'object' } }))
const UNCACHED = { ttlMs: 0, cacheScope: 'private' }
const texts = new Map<number, string>()

/** The text of `bytes` letters, made once. */
function bigText(bytes: number): string {
  const text = texts.get(bytes) ?? `${'x'.repeat(bytes - 1)}!`
  texts.set(bytes, text)
  return text
}

/**
 * The answer to a request as JSON: the same work whether it is done behind the bridge or without it.
 * @param modern adds what results of revision 2026-07-28 have
 */
export function answerTo({ id, method, params }: BenchRequest, modern = false): string {
  const given = params?.arguments
  const text = given?.bytes === undefined ? given?.text : bigText(given.bytes)
  const result =
    method === 'tools/call' ? { content: [{ type: 'text', text }] } : settled(method, params?.protocolVersion)
  return JSON.stringify({
    jsonrpc: '2.0',
    id,
    result: modern ? { ...result, resultType: 'complete' } : result,
  })
}

function settled(method: string, protocolVersion = '2025-11-25'): object {
  switch (method) {
    case 'initialize':
      return { protocolVersion, capabilities: CAPABILITIES, serverInfo: IDENTITY }
    case 'server/discover':
      return {
        supportedVersions: ['2026-07-28'],
        capabilities: CAPABILITIES,
        ...UNCACHED,
        _meta: { 'io.modelcontextprotocol/serverInfo': IDENTITY },
      }
    case 'tools/list':
      return { tools: TOOLS, ...UNCACHED }
    default:
      return {}
  }
}

/** A refusal of what the other era begins with. */
export function refusalOf({ id, method }: BenchRequest): string {
  const error =
    method === 'initialize'
      ? { code: -32_022, message: 'No handshake here.', data: { supported: ['2026-07-28'] } }
      : { code: -32_601, message: 'Method not found' }
  return JSON.stringify({ jsonrpc: '2.0', id, error })
}
