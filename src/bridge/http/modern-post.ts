import type { IncomingMessage, ServerResponse } from 'node:http'
import { CatwalkError, type Caller } from '../../domain/index.ts'
import {
  lettersOf,
  messageKind,
  paramHeaderProblem,
  RPC,
  rpcError,
  textOf,
  type Envelope,
} from '../../protocol/index.ts'
import type { BridgeContext } from '../context.ts'
import { failRequest, refuseRequest, replyTo, type Exchange } from './exchange.ts'
import { callLegacy } from '../translation/modern-on-legacy.ts'
import { passOn } from '../messages/modern-call.ts'
import { refusedModernTask } from '../messages/task-calls.ts'
import { checkRequest, type ModernRequest } from './modern-request.ts'
import { reporterOf } from '../report.ts'
import { catwalkError, refuse, respondEmpty, respondJson } from './respond.ts'
import { enter } from '../messages/tool-lens.ts'
import type { Upstream } from '../processes/upstream.ts'

/** Streamable HTTP of the modern era, POST: one request, or a notification. */
export function modernPost(
  context: BridgeContext,
  req: IncomingMessage,
  res: ServerResponse,
  caller: Caller,
  body: Buffer,
  envelope: Envelope,
): void {
  const kind = messageKind(body, envelope)
  // What this revision lets clients say without a request concerns none of the requests that are under way.
  if (kind === 'notification') return respondEmpty(res, 202, caller.requestId)
  if (kind !== 'request') {
    return refuse(res, 400, caller.requestId, RPC.invalidRequest, 'This revision has requests only.')
  }
  const exchange: Exchange = { req, res, caller, report: reporterOf(caller, body, envelope) }
  const request = checkRequest(context.pool.shared.modern?.discovered ?? null, req, body, envelope)
  if ('code' in request) {
    const id = envelope.id === null ? null : lettersOf(body, envelope.id)
    return refuseRequest(exchange, id, request.code, request.message, request.data)
  }
  const rules = context.tools?.rules ?? null
  const entered = rules === null ? request : enter(rules, request)
  if (!('envelope' in entered)) {
    const text = catwalkError(request.id, entered, caller.requestId)
    respondJson(res, 200, caller.requestId, text)
    return exchange.report?.('error')
  }
  send(context, exchange, entered === request ? request : { ...request, ...entered })
}

function send(context: BridgeContext, exchange: Exchange, request: ModernRequest): void {
  const { body, envelope } = request
  const upstream = sharedNow(context)
  const tool = request.method === 'tools/call' ? textOf(body, envelope.name) : undefined
  if (upstream === null || upstream.blocked || (tool !== undefined && !context.toolHeaders.known)) {
    return void later(context, exchange, request)
  }
  route(context, exchange, request, upstream)
}

/** The shared process that requests of the modern era go to, if it is open. */
function sharedNow({ pool: { shared } }: BridgeContext): Upstream | null {
  const upstream = shared.modern ?? (shared.speaks.modern === false ? shared.legacy : null)
  return upstream?.alive === true ? upstream : null
}

/** When the server's process has to be started or looked at first, or does not take more right now. */
async function later(context: BridgeContext, exchange: Exchange, request: ModernRequest): Promise<void> {
  const { shared } = context.pool
  const { length } = request.body
  context.inbound.bytes += length
  try {
    // The last one where it turned out only now that the server is not the legacy one that it was.
    const upstream =
      (await shared.open('modern')) ?? (await shared.open('legacy')) ?? (await shared.open('modern'))
    if (upstream === null)
      throw new CatwalkError('server_not_mcp', 'The server speaks no revision that we know.')
    if (request.method === 'tools/call') await context.toolHeaders.load(upstream)
    await upstream.unblocked()
    if (!exchange.res.destroyed) route(context, exchange, request, upstream)
    else exchange.report?.('cancelled')
  } catch (error) {
    failRequest(context, exchange, request.id, error)
  } finally {
    context.inbound.bytes -= length
  }
}

function route(context: BridgeContext, exchange: Exchange, request: ModernRequest, upstream: Upstream): void {
  if (request.method === 'tools/call') {
    const problem = paramProblem(context, exchange, request)
    if (problem !== null) return refuseRequest(exchange, request.id, RPC.headerMismatch, problem)
  }
  if (upstream.era === 'legacy') return callLegacy(context, exchange, request, upstream)
  const refused = refusedModernTask(upstream, exchange.caller.subject, request)
  if (refused !== null) {
    const { code, message } = refused
    replyTo(context, exchange, upstream).answer(rpcError(request.id, code, message), code)
    return exchange.report?.('error')
  }
  passOn(context, exchange, request, upstream)
}

/** Only the arguments of annotated tools are read. */
function paramProblem(context: BridgeContext, { req }: Exchange, request: ModernRequest): string | null {
  const { body, envelope } = request
  const params = context.toolHeaders.find(textOf(body, envelope.name) ?? '')
  if (params.length === 0 || envelope.arguments === null) return null
  const given: unknown = JSON.parse(body.toString('utf8', envelope.arguments.start, envelope.arguments.end))
  return paramHeaderProblem(params, given, req.headers)
}
