import type { IncomingMessage, ServerResponse } from 'node:http'
import { CatwalkError, type Caller } from '../../domain/index.ts'
import { RPC, rpcError } from '../../protocol/index.ts'
import type { BridgeContext } from '../context.ts'
import { ModernReply } from './modern-reply.ts'
import type { Report } from '../report.ts'
import { catwalkError, respondJson } from './respond.ts'
import type { Upstream } from '../processes/upstream.ts'

/** One HTTP request of a modern client on its way. */
export interface Exchange {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly caller: Caller
  readonly report: Report | undefined
}

/** Answers with status 400, or 404 for a method that there is not. */
export function refuseRequest(
  { res, caller, report }: Exchange,
  id: string | null,
  code: number,
  message: string,
  data?: object,
): void {
  const status = code === RPC.methodNotFound ? 404 : 400
  respondJson(res, status, caller.requestId, rpcError(id, code, message, data))
  report?.('error')
}

/** Answers a request for which the server could not be reached. */
export function failRequest(context: BridgeContext, exchange: Exchange, id: string, error: unknown): void {
  const known =
    error instanceof CatwalkError ? error : new CatwalkError('internal', 'The server could not be reached.')
  if (known !== error) context.output('system', `A request could not be served: ${String(error)}`)
  const text = catwalkError(id, known, exchange.caller.requestId)
  const busy = known.code === 'unavailable'
  respondJson(
    exchange.res,
    busy ? 503 : 200,
    exchange.caller.requestId,
    text,
    busy ? ['retry-after', '5'] : [],
  )
  exchange.report?.('failed')
}

/** The reply to a request, whose client cancels it by closing the connection. */
export function replyTo(context: BridgeContext, { res, caller }: Exchange, upstream: Upstream): ModernReply {
  return new ModernReply(res, caller.requestId, upstream.flow, context.limits.keepAliveMs)
}
