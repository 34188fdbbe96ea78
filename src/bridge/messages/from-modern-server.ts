import {
  lettersOf,
  META_KEYS,
  ownNumber,
  RPC,
  rpcError,
  splice,
  textOf,
  type Envelope,
} from '../../protocol/index.ts'
import type { Call } from '../processes/call.ts'
import type { BridgeContext } from '../context.ts'
import { passesLevel } from './log-level.ts'
import type { Upstream } from '../processes/upstream.ts'

const MAX_LOGGED_BYTES = 8192

/** Routes what a modern server says besides answers and progress: all of it belongs to a request, or to nobody. */
export function modernMessage(
  context: BridgeContext,
  upstream: Upstream,
  line: Buffer,
  envelope: Envelope,
  kind: 'request' | 'notification',
  method: string,
): void {
  if (kind === 'request' && envelope.id !== null) {
    // This revision has none in this direction (2026-07-28, stdio).
    const id = lettersOf(line, envelope.id)
    return upstream.send(rpcError(id, RPC.methodNotFound, 'Servers of this revision ask nothing.'))
  }
  if (envelope.subscriptionId !== null) return subscribed(upstream, line, envelope, method)
  if (method === 'notifications/cancelled') return torndown(upstream, line, envelope)
  const call = receiverOf(upstream, line, envelope, method)
  if (call?.sink.notify(splice(line, envelope, [])) !== true && method === 'notifications/message') {
    const end = Math.min(envelope.end, envelope.start + MAX_LOGGED_BYTES)
    context.output('stdout', line.toString('utf8', envelope.start, end))
  }
}

/** A message of a subscription goes to the request that opened it, under that request's own id. */
function subscribed(upstream: Upstream, line: Buffer, envelope: Envelope, method: string): void {
  const span = envelope.subscriptionId
  const number = span === null ? undefined : ownNumber(line, span)
  const call = number === undefined ? undefined : upstream.calls.get(number)
  if (span === null || call === undefined) return
  if (call.acknowledged === true && method === 'notifications/subscriptions/acknowledged') return
  if (call.received !== undefined) call.received(line, envelope, method)
  else call.sink.notify(splice(line, envelope, [{ span, letters: call.id }]))
}

/** The server ends a subscription of its own accord; towards HTTP that is the result of the request. */
function torndown(upstream: Upstream, line: Buffer, envelope: Envelope): void {
  const number = envelope.requestId === null ? undefined : ownNumber(line, envelope.requestId)
  const call = number === undefined ? undefined : upstream.calls.get(number)
  if (number === undefined || call === undefined) return
  upstream.close(number)
  call.sink.answer(endOfSubscription(call.id), null)
  call.report?.('ok')
}

/** Ends what clients listen to on a process that is being stopped. */
export function endSubscriptions(upstream: Upstream): void {
  for (const [number, call] of upstream.calls) {
    if (call.isSubscription !== true) continue
    upstream.close(number)
    call.sink.answer(endOfSubscription(call.id), null)
    call.report?.('ok')
  }
}

/** The result that ends a subscription gracefully. `id`: the letters of the request's id. */
export function endOfSubscription(id: string): string {
  const meta = `{"${META_KEYS.subscription}":${id}}`
  return `{"jsonrpc":"2.0","id":${id},"result":{"resultType":"complete","_meta":${meta}}}`
}

/**
 * The one request that a message without any reference can belong to. Where several subjects have requests under way
 * nothing is guessed.
 */
export function receiverOf(
  upstream: Upstream,
  line: Buffer,
  envelope: Envelope,
  method: string,
): Call | undefined {
  const isLog = method === 'notifications/message'
  const level = isLog ? textOf(line, envelope.level) : undefined
  let only: Call | undefined
  let subject: string | undefined
  for (const call of upstream.calls.values()) {
    if (call.subject === '' || call.received !== undefined) continue
    subject ??= call.subject
    if (subject !== call.subject) return undefined
    if (isLog && (call.logLevel === undefined || !passesLevel(level, call.logLevel))) continue
    if (only !== undefined) return undefined
    only = call
  }
  return only
}
