import { CatwalkError, type JsonObject } from '../../domain/index.ts'
import { ask } from '../processes/ask.ts'
import type { BridgeContext } from '../context.ts'
import { sharedLevels } from '../messages/from-client.ts'
import { mostVerbose } from '../messages/log-level.ts'
import { isObject, shakeHands } from '../processes/handshake.ts'
import { wantsOwnProcess } from '../processes/process-policy.ts'
import type { Session } from './session.ts'
import type { Upstream } from '../processes/upstream.ts'

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
  const isNew = session.claims.bridge !== context.id
  const wantsOwn = wantsOwnProcess(context, session.claims.capabilities)
  await recall(context, session)
  const shared = await sharedFor(context, wantsOwn)
  session.own = shared === null
  if (shared !== null) {
    const before = session.upstream
    session.upstream = shared
    if (shared.era === 'modern') context.subscription.refresh().catch(() => undefined)
    askAgain(shared, session, mostVerbose(sharedLevels(context)))
    if (isNew || before !== null) announceChanges(session, shared)
    return shared
  }
  const upstream = await startFor(context, session)
  announceChanges(session, upstream)
  return upstream
}

/**
 * The shared process for a legacy session, of the modern era where the server speaks no other; null when the session
 * gets one of its own.
 * @throws CatwalkError
 */
export async function sharedFor(context: BridgeContext, wantsOwn: boolean): Promise<Upstream | null> {
  const { shared } = context.pool
  if (wantsOwn && shared.speaks.legacy === true) return null
  const legacy = await shared.open('legacy')
  if (legacy !== null) return wantsOwn ? null : legacy
  const modern = await shared.open('modern')
  if (modern === null) throw new CatwalkError('server_not_mcp', 'The server speaks no revision that we know.')
  return modern
}

async function startFor(context: BridgeContext, session: Session): Promise<Upstream> {
  const { pool, limits } = context
  const upstream = await pool.startOwn()
  try {
    const { version, clientInfo, capabilities } = session.claims
    const signal = AbortSignal.timeout(limits.handshakeMs)
    await shakeHands(upstream, { version, clientInfo, capabilities }, signal)
    if (session.ended)
      throw new CatwalkError('unavailable', 'The session was ended while its server started.')
    // As the client declared them, in JSON.
    upstream.told = capabilities as JsonObject
    upstream.session = session
    session.upstream = upstream
    askAgain(upstream, session, session.level ?? undefined)
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
  if (upstream.era === 'modern') return
  const signal = AbortSignal.timeout(ASK_AGAIN_MS)
  const send = (method: string, params: object) =>
    void ask(upstream, method, params, '', signal).catch(() => undefined)
  if (session.level !== null && level !== undefined) send('logging/setLevel', { level })
  for (const uri of session.subscriptions) send('resources/subscribe', { uri })
}

const ASK_AGAIN_MS = 30_000

/** The lists may differ from those that the client knows; it is told to look again. */
function announceChanges(session: Session, upstream: Upstream): void {
  const offered = (upstream.handshake?.result ?? upstream.discovered)?.['capabilities']
  if (!isObject(offered)) return
  for (const list of ['tools', 'resources', 'prompts']) {
    const capability = offered[list]
    if (isObject(capability) && capability['listChanged'] === true) {
      session.listen.send(`{"jsonrpc":"2.0","method":"notifications/${list}/list_changed"}`)
    }
  }
}
