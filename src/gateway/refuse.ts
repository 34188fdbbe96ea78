import type { ServerResponse } from 'node:http'
import { docsPath, type CatwalkError } from '../domain/index.ts'
import { RPC, rpcErrorText } from '../protocol/index.ts'

/** Answers a call with an error of the catalogue, under its own status; one that passes by itself says so. */
export function refuseCall(res: ServerResponse, requestId: string, error: CatwalkError): void {
  refuse(res, error.status, error, requestId, error.status === 503 ? { 'retry-after': '5' } : {})
}

/** Answers with an error of the catalogue, as the JSON-RPC error that MCP clients know how to show. */
export function refuse(
  res: ServerResponse,
  status: number,
  error: CatwalkError,
  requestId: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (res.headersSent || res.destroyed) return
  const body = rpcErrorText(null, RPC.serverError, error.message, {
    error: error.code,
    help: error.help,
    docs: docsPath(error.code),
    requestId,
  })
  res.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-content-type-options': 'nosniff',
    'x-request-id': requestId,
    ...headers,
  })
  res.end(body)
}
