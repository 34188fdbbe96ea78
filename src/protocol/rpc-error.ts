/** Codes of JSON-RPC 2.0, and what MCP implementations use from its range for servers. */
export const RPC = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  serverError: -32000,
  sessionNotFound: -32001,
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
