import type { ServerResponse } from 'node:http'
import { docsPath, type CatwalkError } from '../../domain/index.ts'
import { byteLength, RPC, rpcError, sseMessage, type Bytes } from '../../protocol/index.ts'

/** Writes one JSON document and ends the response; nothing if the client is gone. */
export function respondJson(
  res: ServerResponse,
  status: number,
  requestId: string,
  body: Bytes,
  headers: readonly string[] = [],
): void {
  if (res.destroyed || res.writableEnded) return
  if (res.headersSent) {
    // It was kept waiting with a stream, so the answer is its last event.
    writeEvent(res, body)
    return void res.end()
  }
  res.writeHead(status, [
    'content-type',
    'application/json',
    'content-length',
    String(byteLength(body)),
    'x-content-type-options',
    'nosniff',
    'x-request-id',
    requestId,
    ...headers,
  ])
  if (typeof body === 'string') {
    res.end(body, 'latin1')
    return
  }
  res.cork()
  for (const part of body) res.write(part)
  res.end()
}

/** Writes one event of a stream that cannot be resumed. */
export function writeEvent(res: ServerResponse, message: Bytes): void {
  const event = sseMessage(message)
  if (typeof event === 'string') res.write(event, 'latin1')
  else for (const part of event) res.write(part)
}

/** Answers with a status and no body. */
export function respondEmpty(res: ServerResponse, status: number, requestId: string): void {
  if (res.destroyed || res.writableEnded) return
  if (res.headersSent) return void res.end()
  res.writeHead(status, ['content-length', '0', 'x-request-id', requestId])
  res.end()
}

/** Answers a request that cannot be served with a JSON-RPC error that names no request. */
export function refuse(
  res: ServerResponse,
  status: number,
  requestId: string,
  code: number,
  message: string,
  headers: readonly string[] = [],
): void {
  respondJson(res, status, requestId, rpcError(null, code, message), headers)
}

/** An error of the catalogue as a JSON-RPC error. `id`: the letters of the request's id; `data` says what to do, for people and programs. */
export function catwalkError(id: string | null, error: CatwalkError, requestId: string): Bytes {
  return rpcError(id, RPC.serverError, error.message, {
    error: error.code,
    help: error.help,
    docs: docsPath(error.code),
    requestId,
    ...(error.details === undefined ? {} : { details: error.details }),
  })
}
