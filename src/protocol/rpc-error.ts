import type { Bytes } from './splice.ts'

/**
 * Codes of JSON-RPC 2.0, what MCP implementations use from its range for servers, and what the specification reserves
 * there (2026-07-28, basic, error codes).
 */
export const RPC = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  serverError: -32000,
  sessionNotFound: -32001,
  /** Legacy era; the modern one says `invalidParams`. */
  resourceNotFound: -32002,
  headerMismatch: -32020,
  missingCapability: -32021,
  unsupportedVersion: -32022,
  /** 2025-11-25; the modern era says `input_required`. */
  urlElicitationRequired: -32042,
} as const

/**
 * A JSON-RPC error response as text.
 * @param id as it stands in the request (JSON), or null when it is not known
 * @param data for programs, e.g. our own error code and help
 */
export function rpcErrorText(id: string | null, code: number, message: string, data?: object): string {
  const error = JSON.stringify({ code, message, ...(data === undefined ? {} : { data }) })
  return `{"jsonrpc":"2.0","id":${id ?? 'null'},"error":${error}}`
}

/**
 * A JSON-RPC error response as bytes.
 * @param id the letters of the request's id, one character a byte; null when it is not known
 */
export function rpcError(id: string | null, code: number, message: string, data?: object): Bytes {
  const error = JSON.stringify({ code, message, ...(data === undefined ? {} : { data }) })
  return `{"jsonrpc":"2.0","id":${id ?? 'null'},"error":${Buffer.from(error).toString('latin1')}}`
}
