import { RpcError } from '../../domain/index.ts'
import { ask } from './ask.ts'
import type { BridgeContext } from '../context.ts'
import { OUR_META } from './era.ts'
import type { Upstream } from './upstream.ts'

/**
 * How long no client has used the server, in milliseconds; null while something is under way that its end would cut. An
 * open stream is not use (its holder keeps it while the server sleeps), unless its client waits for updates of resources,
 * which only a running server can tell. Requests of our own are not use either.
 */
export function idleMs(context: BridgeContext): number | null {
  const { pool, sessions, holds, listeners } = context
  if (holds.size > 0 || context.inbound.bytes > 0) return null
  for (const { uris } of listeners) if (uris.size > 0) return null
  let { usedAt } = context
  for (const upstream of pool.all()) {
    if (isBusy(upstream) || upstream.tasks.underWay(context.now)) return null
    usedAt = Math.max(usedAt, upstream.usedAt)
  }
  for (const session of sessions.all()) {
    if (session.connecting !== null || session.asked.size > 0 || session.rounds.size > 0) return null
    if (session.listen.connected && session.subscriptions.size > 0) return null
  }
  return context.now - usedAt
}

function isBusy(upstream: Upstream): boolean {
  for (const call of upstream.calls.values()) {
    // Without a subject it is a request of ours.
    if (call.subject !== '' && (call.isSubscription !== true || call.watchesResources === true)) return true
  }
  return false
}

/**
 * Asks an opened process for a sign of life. An error is one too.
 * @throws CatwalkError `server_silent`, `server_exited`
 */
export async function ping(upstream: Upstream, signal: AbortSignal): Promise<void> {
  const isModern = upstream.era === 'modern'
  try {
    if (isModern) await ask(upstream, 'server/discover', { _meta: OUR_META }, '', signal)
    else await ask(upstream, 'ping', {}, '', signal)
  } catch (error) {
    if (!(error instanceof RpcError)) throw error
  }
}
