import { randomBytes } from 'node:crypto'
import type { JsonObject } from '../../domain/index.ts'
import { META_KEYS, MODERN_VERSIONS, openState, RPC, rpcError, textOf } from '../../protocol/index.ts'
import { ask } from '../processes/ask.ts'
import type { BridgeContext } from '../context.ts'
import { failRequest, refuseRequest, replyTo, type Exchange } from '../http/exchange.ts'
import { sharedLevels } from '../messages/from-client.ts'
import { isObject, withToolChanges } from '../processes/handshake.ts'
import { clientAcross, serverAcross } from './capabilities.ts'
import { Hold } from './hold.ts'
import { answersIn, capabilitiesOf, digestOf } from './input-requests.ts'
import { listen } from './legacy-listeners.ts'
import { mostVerbose } from '../messages/log-level.ts'
import { callOf, cancelWhenGone, withOurIds } from '../messages/modern-call.ts'
import type { ModernRequest } from '../http/modern-request.ts'
import { canBeAsked } from '../processes/process-policy.ts'
import { respondJson } from '../http/respond.ts'
import { toModern } from './to-modern.ts'
import type { Upstream } from '../processes/upstream.ts'

/** What the modern era has no longer, so that a legacy server must not be asked for it. Tasks are another thing there. */
const GONE = /^(?:initialize|ping|logging\/setLevel|resources\/(?:un)?subscribe|tasks\/.*)$/
/** The only requests that may end with a question to the client (2026-07-28, MRTR). */
const ASKING: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read'])
const SET_LEVEL_MS = 10_000

/** Serves a modern client from a legacy server. `upstream` is the shared process. */
export function callLegacy(
  context: BridgeContext,
  exchange: Exchange,
  request: ModernRequest,
  upstream: Upstream,
): void {
  const { method, envelope, id } = request
  if (GONE.test(method)) {
    return refuseRequest(
      exchange,
      id,
      RPC.methodNotFound,
      `This revision has no method "${method.slice(0, 100)}".`,
    )
  }
  if (method === 'server/discover') return discover(context, exchange, request, upstream)
  if (method === 'subscriptions/listen') return void listen(context, exchange, request, upstream)
  if (ASKING.has(method)) {
    if (envelope.inputResponses !== null && answersIn(request) === null) {
      return refuseRequest(exchange, id, RPC.invalidParams, 'inputResponses must be an object.')
    }
    if (envelope.requestState !== null && !isFreshCall(context, exchange, request)) return
  }
  const capabilities = capabilitiesOf(request)
  if (context.processes !== 'shared' && canBeAsked(capabilities)) {
    return void callAlone(context, exchange, request, capabilities)
  }
  setLevel(context, upstream, request)
  const reply = replyTo(context, exchange, upstream)
  const number = upstream.open(
    callOf(context, exchange, request, upstream, reply, toModern(context, upstream, request)),
  )
  upstream.send(withOurIds(request, number))
  cancelWhenGone(exchange, upstream, number, reply)
}

/** On a process that knows what the client can do, and works for nobody else meanwhile. */
async function callAlone(
  context: BridgeContext,
  exchange: Exchange,
  request: ModernRequest,
  declared: JsonObject,
): Promise<void> {
  const capabilities = clientAcross(declared)
  context.inbound.bytes += request.body.length
  try {
    const upstream = await context.pool.borrow(exchange.caller.subject, capabilities)
    if (exchange.res.destroyed) {
      context.pool.giveBack(upstream)
      return exchange.report?.('cancelled')
    }
    setLevel(context, upstream, request)
    const hold = new Hold(context, randomBytes(12).toString('base64url'), upstream, request, exchange)
    context.holds.set(hold.id, hold)
    hold.start(exchange, request)
  } catch (error) {
    failRequest(context, exchange, request.id, error)
  } finally {
    context.inbound.bytes -= request.body.length
  }
}

/**
 * Looks at the state that a request brings back. True when it is to be sent to the server like a first one; otherwise
 * it was taken by the call that waits for it, or refused.
 */
function isFreshCall(context: BridgeContext, exchange: Exchange, request: ModernRequest): boolean {
  const refused = (message: string): false => {
    refuseRequest(exchange, request.id, RPC.invalidParams, message)
    return false
  }
  const state = openState(context.stateSealer, textOf(request.body, request.envelope.requestState) ?? '')
  if (state === undefined || state.deploymentId !== context.deploymentId)
    return refused('requestState is not one of ours.')
  if (state.subject !== exchange.caller.subject) return refused('requestState was given to somebody else.')
  if (state.digest !== digestOf(request)) return refused('requestState belongs to another request.')
  if (state.expiresAt <= context.clock.now().getTime())
    return refused('requestState has expired. Start again without it.')
  if (state.hold === null) return wereOpened(exchange, request)
  const hold = state.bridge === context.id ? context.holds.get(state.hold) : undefined
  if (hold === undefined)
    return refused('The call that waited for this input is gone. Start again without requestState.')
  if (hold.round !== state.round || hold.deadline === Infinity)
    return refused('requestState was used before.')
  hold.resume(exchange, request, answersIn(request) ?? new Map<string, string>())
  return false
}

/**
 * Whether the client opened all pages that the server wanted it to have visited. If not, asking the server again would
 * only bring the same question: the request is answered with an error.
 */
function wereOpened({ res, caller, report }: Exchange, request: ModernRequest): boolean {
  const answers = answersIn(request) ?? new Map<string, string>()
  const accepted = answers.values().every((letters) => {
    const answer: unknown = JSON.parse(Buffer.from(letters, 'latin1').toString())
    return isObject(answer) && answer['action'] === 'accept'
  })
  if (accepted) return true
  const text = 'The server needs a page to be opened first, which was declined.'
  respondJson(res, 200, caller.requestId, rpcError(request.id, RPC.invalidRequest, text))
  report?.('error')
  return false
}

/** `server/discover` of a legacy server, made from what it said when it was initialised. */
function discover(
  { tools }: BridgeContext,
  exchange: Exchange,
  { id }: ModernRequest,
  { handshake }: Upstream,
): void {
  const { capabilities, serverInfo, instructions } = handshake?.result ?? {}
  const offered = serverAcross(isObject(capabilities) ? capabilities : {})
  const result = {
    resultType: 'complete',
    supportedVersions: MODERN_VERSIONS,
    capabilities: tools === null ? offered : withToolChanges(offered),
    ...(typeof instructions === 'string' ? { instructions } : {}),
    ttlMs: 0,
    cacheScope: 'private',
    ...(isObject(serverInfo) ? { _meta: { [META_KEYS.server]: serverInfo } } : {}),
  }
  const letters = Buffer.from(JSON.stringify(result)).toString('latin1')
  respondJson(
    exchange.res,
    200,
    exchange.caller.requestId,
    `{"jsonrpc":"2.0","id":${id},"result":${letters}}`,
  )
  exchange.report?.('ok')
}

/** A legacy process has one level for all that it does: the most verbose one that anybody asked for. */
function setLevel(context: BridgeContext, upstream: Upstream, { logLevel }: ModernRequest): void {
  if (logLevel === undefined || mostVerbose([upstream.askedLevel, logLevel]) === upstream.askedLevel) return
  const capabilities = upstream.handshake?.result['capabilities']
  if (!isObject(capabilities) || !('logging' in capabilities)) return
  upstream.askedLevel = logLevel
  const sessions = upstream.shared ? sharedLevels(context) : []
  const level = mostVerbose([logLevel, ...sessions]) ?? logLevel
  ask(upstream, 'logging/setLevel', { level }, '', AbortSignal.timeout(SET_LEVEL_MS)).catch(() => undefined)
}
