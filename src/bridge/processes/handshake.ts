import { CatwalkError, RpcError, type JsonObject } from '../../domain/index.ts'
import { isLegacyVersion, LATEST_LEGACY, type LegacyVersion } from '../../protocol/index.ts'
import { ask } from './ask.ts'
import type { Handshake, Upstream } from './upstream.ts'

export const OURSELVES = { name: 'catwalk', version: '0.1.0' }
/** A server that names a revision we don't know speaks at least the first. */
const OLDEST: LegacyVersion = '2024-11-05'

/** What a server is told of its client. */
export interface Introduction {
  readonly version: string
  readonly clientInfo: object
  readonly capabilities: object
}

/** For a process that many clients share: it must offer nothing that depends on one of them. */
export const SHARED_INTRODUCTION: Introduction = {
  version: LATEST_LEGACY,
  clientInfo: OURSELVES,
  capabilities: {},
}

/**
 * Initialises a server process on our own behalf.
 * @throws CatwalkError `server_silent`, `server_exited`, `server_not_mcp`, `server_refused`
 */
export async function shakeHands(
  upstream: Upstream,
  introduction: Introduction,
  signal: AbortSignal,
): Promise<Handshake> {
  const { version, clientInfo, capabilities } = introduction
  const params = { protocolVersion: version, capabilities, clientInfo }
  const result = await ask(upstream, 'initialize', params, '', signal).catch((error: unknown) => {
    if (error instanceof RpcError) throw refusal(error)
    throw error
  })
  const handshake = readHandshake(result)
  upstream.era = 'legacy'
  upstream.handshake = handshake
  upstream.send('{"jsonrpc":"2.0","method":"notifications/initialized"}')
  return handshake
}

/** @throws CatwalkError `server_not_mcp` for a result that is not one of `initialize` */
export function readHandshake(result: JsonObject): Handshake {
  const { protocolVersion, capabilities, serverInfo } = result
  if (typeof protocolVersion !== 'string' || !isObject(capabilities) || !isObject(serverInfo)) {
    throw new CatwalkError('server_not_mcp', 'The server answered "initialize" with something else.')
  }
  return { version: isLegacyVersion(protocolVersion) ? protocolVersion : OLDEST, result }
}

export function refusal(error: RpcError): CatwalkError {
  return new CatwalkError('server_refused', `The server answered: ${error.message}`, {
    details: { rpcCode: error.rpcCode },
  })
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Where owners may set something about tools, the list can change at any time, whatever the server says. */
export function withToolChanges(capabilities: JsonObject): JsonObject {
  const { tools } = capabilities
  return isObject(tools) ? { ...capabilities, tools: { ...tools, listChanged: true } } : capabilities
}
