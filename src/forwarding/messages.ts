import { CatwalkError, RpcError, type ErrorCode, type JsonObject, ERROR_CODES } from '../domain/index.ts'

/** How an answer to a request of our own travels: the result, the server's error, or ours. */
export type Message =
  | { readonly kind: 'result'; readonly result: JsonObject }
  | { readonly kind: 'rpc'; readonly code: number; readonly message: string; readonly data?: unknown }
  | {
      readonly kind: 'catwalk'
      readonly code: string
      readonly message: string
      readonly help: string
      readonly details?: Readonly<Record<string, unknown>>
    }

/** An error as a message. Only those that callers may see are told. */
export function errorMessage(error: unknown): Message {
  if (error instanceof RpcError) {
    return { kind: 'rpc', code: error.rpcCode, message: error.message, data: error.data }
  }
  const { code, message, help, details } =
    error instanceof CatwalkError ? error : new CatwalkError('internal', 'The request failed.')
  return { kind: 'catwalk', code, message, help, ...(details === undefined ? {} : { details }) }
}

/**
 * The result of a message.
 * @throws RpcError, CatwalkError as the other side did
 */
export function resultOf(message: Message): JsonObject {
  switch (message.kind) {
    case 'result':
      return message.result
    case 'rpc':
      throw new RpcError(message.code, message.message, message.data)
    case 'catwalk': {
      const { code, help, details } = message
      const known: ErrorCode = ERROR_CODES.find((one) => one === code) ?? 'internal'
      throw new CatwalkError(known, message.message, { help, ...(details === undefined ? {} : { details }) })
    }
    default:
      return message satisfies never
  }
}
