import type { BridgeContext } from '../context.ts'
import { answerUnheard, endSession } from './end-session.ts'
import type { Session } from './session.ts'
import type { Upstream } from '../processes/upstream.ts'

const RETIRE_GRACE_MS = 2000
const MAX_TICK_MS = 1000

/** Everything of a bridge that happens because time passes. Returns the function that stops it. */
export function startSweeper(context: BridgeContext): () => void {
  const { limits, pool, sessions, clock } = context
  const tickMs = Math.max(5, Math.min(MAX_TICK_MS, limits.keepAliveMs / 4))
  const begun = performance.now()

  function sweepSession(session: Session): void {
    for (const [name, stream] of session.streams) {
      stream.keepAlive(context.now, limits.keepAliveMs)
      if (!stream.finished || context.now - stream.finishedAt < limits.resumeMs) continue
      stream.drop()
      session.streams.delete(name)
    }
    if (session.asked.size > 0) answerUnheard(context, session)
    if (session.callsInFlight > 0) return
    const expiresAt = session.claims.issuedAt * 1000 + limits.sessionMaxAgeMs
    if (expiresAt <= clock.now().getTime()) return void endSession(context, session)

    const idleMs = context.now - session.usedAt
    if (session.own && session.upstream !== null && session.asked.size === 0 && idleMs > limits.ownIdleMs) {
      if (!session.upstream.tasks.underWay(context.now)) void pool.retire(session.upstream, RETIRE_GRACE_MS)
    }
    const inUse = session.upstream !== null && session.own
    if (inUse || session.listen.connected || idleMs <= limits.sessionIdleMs) return
    sessions.forget(session)
  }

  const timer = setInterval(() => {
    context.now = performance.now() - begun
    const needed = new Set<Upstream | null>([pool.shared.primary])
    for (const upstream of pool.all()) upstream.sweep(context.now)
    for (const session of sessions.all()) {
      sweepSession(session)
      needed.add(session.upstream)
    }
    pool.reap()
    if (!needed.has(pool.shared.modern)) context.subscription.close()
    for (const hold of context.holds.values()) if (hold.deadline < context.now) hold.expire()
    for (const listener of context.listeners) {
      listener.reply.keepAlive(context.now)
      needed.add(pool.shared.legacy)
    }
    for (const upstream of pool.shared.all()) {
      const idle = upstream.calls.size === 0 && context.now - upstream.usedAt > limits.ownIdleMs
      if (idle && !needed.has(upstream) && !upstream.tasks.underWay(context.now)) pool.shared.reap(upstream)
    }
  }, tickMs)
  // The server's process keeps the program alive, not the clock that watches it.
  timer.unref()
  return () => clearInterval(timer)
}
