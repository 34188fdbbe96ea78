import { CatwalkError, RpcError, type JsonObject, type JsonValue } from '../../domain/index.ts'
import { toBytes, type Bytes } from '../../protocol/index.ts'
import type { Sink } from './call.ts'
import { hasOpened, type Upstream } from './upstream.ts'
import { describeEnd } from './describe-end.ts'

interface Answer {
  readonly result?: JsonObject
  readonly error?: { readonly code: number; readonly message: string; readonly data?: JsonValue }
}

/**
 * Sends a request of our own to a server process and resolves with its result.
 * @throws RpcError; CatwalkError `server_silent` or `server_not_mcp` when `signal` fires first, `server_exited`
 */
export async function ask(
  upstream: Upstream,
  method: string,
  params: JsonObject | object,
  subject: string,
  signal: AbortSignal,
): Promise<JsonObject> {
  if (!upstream.alive) throw describeEnd(await upstream.gone, hasOpened(upstream))
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const sink: Sink = {
    notify: () => false,
    answer: (message) => resolve(parse(message)),
    fail: (_id, error) => reject(error),
    keepAlive: () => undefined,
    abandon: () => undefined,
  }
  // Never started from the sweeper's clock: nothing is shown while we wait.
  const number = upstream.open({
    session: null,
    subject,
    id: '0',
    progressToken: null,
    sink,
    startedAt: Infinity,
  })
  upstream.send(toBytes(JSON.stringify({ jsonrpc: '2.0', id: number, method, params })))

  const giveUp = () => {
    upstream.close(number)
    upstream.send(cancellation(number))
    reject(silence(upstream, method))
  }
  if (signal.aborted) giveUp()
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    const { result, error } = await promise
    if (error !== undefined) throw new RpcError(error.code, error.message, error.data)
    return result ?? {}
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

/** `notifications/cancelled` for one of our numbers. */
export function cancellation(number: number): Bytes {
  return `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${number}}}`
}

function parse(message: Bytes): Answer {
  const text =
    typeof message === 'string'
      ? Buffer.from(message, 'latin1').toString()
      : Buffer.concat(message).toString()
  try {
    // A scanned JSON-RPC response; its members are checked by whoever reads them.
    return JSON.parse(text) as Answer
  } catch {
    return { error: { code: -32700, message: 'The answer is not JSON.' } }
  }
}

function silence(upstream: Upstream, method: string): CatwalkError {
  if (!hasOpened(upstream) && upstream.strayLines > 0) {
    return new CatwalkError('server_not_mcp', 'The server printed text, but nothing that is MCP.')
  }
  return new CatwalkError('server_silent', `The server did not answer "${method}" in time.`)
}
