/** A request of the load client, which is all that the bench's servers understand. */
export interface BenchRequest {
  readonly id?: number
  readonly method: string
  readonly params: {
    readonly name?: string
    readonly arguments?: { readonly text?: string; readonly bytes?: number }
  }
}

const INITIALIZE = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 'bench', version: '1.0.0' },
}
const texts = new Map<number, string>()

/** The text of `bytes` letters, made once. */
function bigText(bytes: number): string {
  const text = texts.get(bytes) ?? `${'x'.repeat(bytes - 1)}!`
  texts.set(bytes, text)
  return text
}

/** The answer to a request as JSON: the same work whether it is done behind the bridge or without it. */
export function answerTo({ id, method, params }: BenchRequest): string {
  const given = params.arguments
  const text = given?.bytes === undefined ? given?.text : bigText(given.bytes)
  const result = method === 'initialize' ? INITIALIZE : { content: [{ type: 'text', text }] }
  return JSON.stringify({ jsonrpc: '2.0', id, result })
}
