import type { IncomingMessage } from 'node:http'
import type { JsonObject } from '../../domain/index.ts'
import {
  decodeHeaderValue,
  isModernVersion,
  lettersOf,
  MODERN_VERSIONS,
  RPC,
  textOf,
  type Envelope,
} from '../../protocol/index.ts'
import { commonVersions } from '../processes/era.ts'
import { isLogLevel } from '../messages/log-level.ts'

/** One request of the modern era (2026-07-28), its envelope and headers checked. */
export interface ModernRequest {
  readonly body: Buffer
  readonly envelope: Envelope
  readonly method: string
  /** The letters of its id. */
  readonly id: string
  readonly logLevel: string | undefined
}

/** Why a request is refused: always with status 400. */
export interface Refusal {
  readonly code: number
  readonly message: string
  readonly data?: object
}

/** Methods whose name, URI or task is repeated in `Mcp-Name` (Streamable HTTP; tasks extension, routing headers). */
const NAMED: ReadonlyMap<string, 'name' | 'uri' | 'taskId'> = new Map<string, 'name' | 'uri' | 'taskId'>([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
])
const OPEN_OBJECT = 0x7b

/**
 * The request, or why it is refused (2026-07-28, Streamable HTTP, server validation).
 * @param discovered what the server said of itself, as far as it is known
 */
export function checkRequest(
  discovered: JsonObject | null,
  req: IncomingMessage,
  body: Buffer,
  envelope: Envelope,
): ModernRequest | Refusal {
  const { headers } = req
  const version = textOf(body, envelope.metaVersion)
  if (version === undefined) return missing('protocolVersion')
  const header = headers['mcp-protocol-version']
  if (header !== version) return mismatch('MCP-Protocol-Version', header, version)
  if (!isModernVersion(version)) return unsupported(discovered, version)
  if (!isObjectAt(body, envelope.metaCapabilities)) return missing('clientCapabilities')
  if (envelope.metaClient !== null && !isObjectAt(body, envelope.metaClient)) return missing('clientInfo')
  const method = textOf(body, envelope.method)
  if (method === undefined || envelope.id === null) {
    return { code: RPC.invalidRequest, message: 'This is not a JSON-RPC 2.0 request.' }
  }
  if (headers['mcp-method'] !== method) return mismatch('Mcp-Method', headers['mcp-method'], method)
  const named = NAMED.get(method)
  if (named !== undefined) {
    const name = textOf(body, envelope[named])
    const said = headers['mcp-name']
    // Without a name in the body there is nothing to compare: that is the server's to refuse.
    if (name !== undefined && (typeof said !== 'string' || decodeHeaderValue(said) !== name)) {
      return mismatch('Mcp-Name', said, name)
    }
  }
  const logLevel = envelope.metaLogLevel === null ? undefined : (textOf(body, envelope.metaLogLevel) ?? '')
  if (logLevel !== undefined && !isLogLevel(logLevel)) {
    return { code: RPC.invalidParams, message: 'The log level in _meta is none of those that MCP has.' }
  }
  return { body, envelope, method, id: lettersOf(body, envelope.id), logLevel }
}

/** The versions that `server/discover` lists as well. */
function supportedVersions(discovered: JsonObject | null): readonly string[] {
  return discovered === null ? MODERN_VERSIONS : commonVersions(discovered)
}

function isObjectAt(body: Buffer, span: Envelope['meta']): boolean {
  return span !== null && body[span.start] === OPEN_OBJECT
}

function missing(member: string): Refusal {
  const message = `_meta needs "io.modelcontextprotocol/${member}" in each request of this revision.`
  return { code: RPC.invalidParams, message }
}

function mismatch(name: string, said: string | string[] | undefined, value: string): Refusal {
  const message =
    said === undefined
      ? `Header mismatch: ${name} is missing; the body says ${JSON.stringify(value.slice(0, 200))}.`
      : `Header mismatch: ${name} does not say ${JSON.stringify(value.slice(0, 200))} as the body does.`
  return { code: RPC.headerMismatch, message }
}

function unsupported(discovered: JsonObject | null, requested: string): Refusal {
  return {
    code: RPC.unsupportedVersion,
    message: 'Unsupported protocol version',
    data: { supported: supportedVersions(discovered), requested: requested.slice(0, 100) },
  }
}
