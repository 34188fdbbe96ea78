import { toBytes } from '../../protocol/index.ts'
import { ask } from '../processes/ask.ts'
import type { BridgeContext } from '../context.ts'
import { cancelAll, isWanted } from '../messages/from-client.ts'
import type { Session } from './session.ts'

const GRACE_MS = 2000
const UNSUBSCRIBE_MS = 10_000

/**
 * Ends a session for good: its calls are cancelled, its process and streams end, its token is refused. Resolves when
 * that is remembered. Never rejects.
 */
export function endSession(context: BridgeContext, session: Session): Promise<void> {
  const { upstream } = session
  const remembered = context.sessions.end(session)
  for (const round of session.rounds) round.cancel()
  if (upstream === null || !upstream.alive) return remembered
  cancelAll(upstream, session)
  if (session.own) void context.pool.retire(upstream, GRACE_MS)
  else if (upstream.era === 'legacy') {
    for (const uri of session.subscriptions) unsubscribe(context, uri)
  }
  return remembered
}

/** Tells the shared legacy process that nobody wants to hear of a resource any more, if that is so. */
export function unsubscribe(context: BridgeContext, uri: string): void {
  const upstream = context.pool.shared.legacy
  if (upstream === null || isWanted(context, uri)) return
  const signal = AbortSignal.timeout(UNSUBSCRIBE_MS)
  ask(upstream, 'resources/unsubscribe', { uri }, '', signal).catch(() => undefined)
}

/** Answers requests of a server that its client never came to read. */
export function answerUnheard(context: BridgeContext, session: Session): void {
  for (const [id, { at, answered }] of session.asked) {
    if (context.now - at < context.limits.unheardMs) return
    if ([...session.streams.values()].some((stream) => stream.connected)) return
    session.asked.delete(id)
    if (answered !== null) answered(null)
    const error = '{"code":-32000,"message":"The client is not listening."}'
    if (answered === null) session.upstream?.send(toBytes(`{"jsonrpc":"2.0","id":${id},"error":${error}}`))
  }
}
