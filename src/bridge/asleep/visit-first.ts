import { randomUUID } from 'node:crypto'
import type { CatwalkError, JsonObject } from '../../domain/index.ts'
import { RPC, rpcError, type Bytes } from '../../protocol/index.ts'
import { isObject } from '../processes/handshake.ts'
import { catwalkError } from '../http/respond.ts'

/** A page that somebody must have visited before the server can be started for them. */
export interface PageToVisit {
  readonly url: string
  /** What is told to a client that cannot open pages. */
  readonly error: CatwalkError
}

/** Who asks, as far as it matters for how a page is named to them. */
export interface Visitor {
  readonly era: 'legacy' | 'modern'
  /** The revision that a legacy session speaks. */
  readonly version: string | null
  readonly capabilities: JsonObject
}

/**
 * The answer to a request that has to wait for a visit to a page: as the client's revision has it, where it can open one
 * (2025-11-25: error -32042; 2026-07-28: `input_required`), and otherwise as an error whose text names the page.
 */
export function visitFirst(
  { url, error }: PageToVisit,
  { era, version, capabilities }: Visitor,
  id: string,
  requestId: string,
): Bytes {
  const { elicitation } = capabilities
  if (!isObject(elicitation) || !('url' in elicitation)) return catwalkError(id, error, requestId)
  const params = { mode: 'url', url, message: error.message }
  if (era === 'modern') {
    const asked = { r1: { method: 'elicitation/create', params } }
    const result = JSON.stringify({ resultType: 'input_required', inputRequests: asked })
    return `{"jsonrpc":"2.0","id":${id},"result":${Buffer.from(result).toString('latin1')}}`
  }
  if (version === null || version < '2025-11-25') return catwalkError(id, error, requestId)
  return rpcError(id, RPC.urlElicitationRequired, error.message, {
    elicitations: [{ ...params, elicitationId: randomUUID() }],
  })
}
