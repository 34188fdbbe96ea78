import { CatwalkError } from '../domain/index.ts'
import { ask } from './ask.ts'
import type { BridgeContext } from './context.ts'
import { sharedLevels } from './from-client.ts'
import { shakeHands } from './handshake.ts'
import { mostVerbose } from './log-level.ts'
import type { Session } from './session.ts'
import type { Handshake, Upstream } from './upstream.ts'

/**
 * The process that serves a session. One that has none (after a restart of the bridge, or because its own process had
 * been idle for long) gets one, and the handshake is replayed on it.
 * @throws CatwalkError when the process cannot be started or does not answer
 */
export function connect(context: BridgeContext, session: Session): Upstream | Promise<Upstream> {
  if (session.upstream?.alive === true) return session.upstream
  session.connecting ??= reconnect(context, session).finally(() => {
    session.connecting = null
  })
  return session.connecting
}

async function reconnect(context: BridgeContext, session: Session): Promise<Upstream> {
  const { pool, limits } = context
  const signal = AbortSignal.timeout(limits.handshakeMs)
  await recall(context, session)
  if (!session.own) {
    const handshake = await pool.ready
    session.upstream = pool.shared
    askAgain(pool.shared, session, mostVerbose(sharedLevels(context)))
    announceChanges(context, session, handshake)
    return pool.shared
  }
  const upstream = await pool.startOwn()
  try {
    const { version, clientInfo, capabilities } = session.claims
    const handshake = await shakeHands(upstream, { version, clientInfo, capabilities }, signal)
    if (session.ended)
      throw new CatwalkError('unavailable', 'The session was ended while its server started.')
    upstream.session = session
    session.upstream = upstream
    askAgain(upstream, session, session.level ?? undefined)
    announceChanges(context, session, handshake)
    return upstream
  } catch (error) {
    void pool.retire(upstream, 0)
    throw error
  }
}

/** @throws CatwalkError `unavailable` */
async function recall(context: BridgeContext, session: Session): Promise<void> {
  if (session.recalled) return
  const note = await context.memory.recall(session.claims.id)
  session.recalled = true
  session.level ??= note?.level ?? null
  for (const uri of note?.subscriptions ?? []) session.subscriptions.add(uri)
}

/** Tells a process what the session had asked of the former one. Ahead of the calls that wait for it. */
function askAgain(upstream: Upstream, session: Session, level: string | undefined): void {
  const signal = AbortSignal.timeout(ASK_AGAIN_MS)
  const send = (method: string, params: object) =>
    void ask(upstream, method, params, '', signal).catch(() => undefined)
  if (session.level !== null && level !== undefined) send('logging/setLevel', { level })
  for (const uri of session.subscriptions) send('resources/subscribe', { uri })
}

const ASK_AGAIN_MS = 30_000

/** The lists may differ from those that the client knows; it is told to look again. */
function announceChanges(context: BridgeContext, session: Session, handshake: Handshake): void {
  if (!session.own && session.claims.bridge === context.id) return
  const offered = JSON.parse(JSON.stringify(handshake.result['capabilities'])) as Record<
    string,
    { listChanged?: boolean } | undefined
  >
  for (const list of ['tools', 'resources', 'prompts']) {
    if (offered[list]?.listChanged === true) {
      session.listen.send(`{"jsonrpc":"2.0","method":"notifications/${list}/list_changed"}`)
    }
  }
}
