import {
  lettersOf,
  ownNumber,
  RPC,
  rpcError,
  splice,
  textOf,
  type Bytes,
  type Envelope,
} from '../../protocol/index.ts'
import type { Call } from '../processes/call.ts'
import type { BridgeContext } from '../context.ts'
import { passesLevel } from './log-level.ts'
import { modernMessage, receiverOf } from './from-modern-server.ts'
import { capabilitiesFor, INPUT_METHODS, objectAt } from '../translation/input-requests.ts'
import { announce, covers } from '../translation/legacy-listeners.ts'
import type { Session } from '../sessions/session.ts'
import { taskProgress, taskStatus } from './task-calls.ts'
import { lookAgain } from './offers.ts'
import type { Upstream } from '../processes/upstream.ts'

const MAX_LOGGED_BYTES = 8192

/** Routes what a server says by itself: to the call or session that it belongs to, or to nobody. */
export function serverMessage(
  context: BridgeContext,
  upstream: Upstream,
  line: Buffer,
  envelope: Envelope,
  kind: 'request' | 'notification',
): void {
  const method = textOf(line, envelope.method) ?? ''
  if (method === 'notifications/tools/list_changed') void lookAgain(context, upstream)
  if (method === 'notifications/progress') progress(context, upstream, line, envelope)
  else if (upstream.era === 'modern') modernMessage(context, upstream, line, envelope, kind, method)
  else if (kind === 'request') request(context, upstream, line, envelope, method)
  else if (upstream.shared) sharedNotification(context, upstream, line, envelope, method)
  else ownNotification(context, upstream, line, envelope, method)
}

/** Progress goes to the request that asked for it, under the token that it gave. */
function progress(context: BridgeContext, upstream: Upstream, line: Buffer, envelope: Envelope): void {
  const span = envelope.reportToken
  const number = span === null ? undefined : ownNumber(line, span)
  if (span === null || number === undefined) return
  const call = upstream.calls.get(number)
  if (call === undefined) return taskProgress(context, upstream, line, envelope, number)
  if (call.progressToken === null) return
  call.sink.notify(splice(line, envelope, [{ span, letters: call.progressToken }]))
}

function request(
  context: BridgeContext,
  upstream: Upstream,
  line: Buffer,
  envelope: Envelope,
  method: string,
): void {
  if (envelope.id === null) return
  const id = lettersOf(line, envelope.id)
  if (method === 'ping') return upstream.send(`{"jsonrpc":"2.0","id":${id},"result":{}}`)
  if (upstream.asked !== null) return upstream.asked(line, envelope, method)
  const session = upstream.session
  if (session === null || session.ended) {
    // A shared process was told that its client can do nothing of the kind.
    refuseForCapability(upstream, line, envelope, method)
    return upstream.send(rpcError(id, RPC.methodNotFound, `No client here offers "${method}".`))
  }
  session.asked.set(id, { at: context.now, answered: null })
  toSession(upstream, session, whole(line, envelope), true)
}

/** A modern client whose call needs what it has not declared is told so, where it is clear whose call it is. */
function refuseForCapability(upstream: Upstream, line: Buffer, envelope: Envelope, method: string): void {
  if (!INPUT_METHODS.has(method) || upstream.calls.size !== 1) return
  const [entry] = upstream.calls
  if (entry === undefined) return
  const [number, call] = entry
  if (call.session !== null || call.subject === '') return
  const params = envelope.params === null ? {} : objectAt(line, envelope.params)
  const data = { requiredCapabilities: capabilitiesFor(method, params) }
  const message = 'The request needs a capability that the client has not declared.'
  upstream.close(number)
  call.sink.answer(rpcError(call.id, RPC.missingCapability, message, data), RPC.missingCapability)
  call.report?.('error')
}

function ownNotification(
  context: BridgeContext,
  upstream: Upstream,
  line: Buffer,
  envelope: Envelope,
  method: string,
): void {
  const session = upstream.session
  if (session === null) return borrowedNotification(context, upstream, line, envelope, method)
  if (method === 'notifications/cancelled' && envelope.requestId !== null) {
    session.asked.delete(lettersOf(line, envelope.requestId))
  }
  const general = method.endsWith('/list_changed') || method === 'notifications/resources/updated'
  toSession(upstream, session, whole(line, envelope), !general)
}

/**
 * @param related whether the message probably belongs to the call that is under way; with several the server does not
 *   say to which, so it goes to the stream that is open for the session as a whole
 */
function toSession(upstream: Upstream, session: Session, message: Bytes, related: boolean): void {
  if (related && upstream.calls.size > 0) {
    const [first] = upstream.calls.values()
    if ((upstream.calls.size === 1 || !session.listen.connected) && first?.sink.notify(message) === true)
      return
  }
  session.listen.send(message)
}

function sharedNotification(
  context: BridgeContext,
  upstream: Upstream,
  line: Buffer,
  envelope: Envelope,
  method: string,
): void {
  if (method.endsWith('/list_changed')) {
    const message = whole(line, envelope)
    for (const session of context.sessions.all()) if (!session.own) session.listen.send(message)
    announce(context, line, envelope, method)
  } else if (method === 'notifications/resources/updated') {
    const uri = textOf(line, envelope.uri)
    if (uri === undefined) return
    const message = whole(line, envelope)
    for (const session of context.sessions.all()) {
      if (!session.own && covers(session.subscriptions, uri)) session.listen.send(message)
    }
    announce(context, line, envelope, method)
  } else if (method === 'notifications/tasks/status') taskStatus(context, upstream, line, envelope)
  else if (method === 'notifications/message') logMessage(context, upstream, line, envelope)
}

/** A process that works for one call of a modern client: what it says belongs to that call, or to whoever listens. */
function borrowedNotification(
  context: BridgeContext,
  upstream: Upstream,
  line: Buffer,
  envelope: Envelope,
  method: string,
): void {
  if (method === 'notifications/message') toModernCall(context, upstream, line, envelope, method)
  else announce(context, line, envelope, method)
}

function toModernCall(
  context: BridgeContext,
  upstream: Upstream,
  line: Buffer,
  envelope: Envelope,
  method: string,
): void {
  const call = receiverOf(upstream, line, envelope, method)
  if (call?.sink.notify(whole(line, envelope)) !== true) toLog(context, line, envelope)
}

function toLog(context: BridgeContext, line: Buffer, envelope: Envelope): void {
  const end = Math.min(envelope.end, envelope.start + MAX_LOGGED_BYTES)
  context.output('stdout', line.toString('utf8', envelope.start, end))
}

/**
 * A log message says nothing of its cause. It is passed on only where it cannot cross from one subject to another, and
 * only to the session that is at work; otherwise it is a line in the deployment's log.
 */
function logMessage(context: BridgeContext, upstream: Upstream, line: Buffer, envelope: Envelope): void {
  if (upstream.calls.values().some(({ session, subject }) => session === null && subject !== '')) {
    return toModernCall(context, upstream, line, envelope, 'notifications/message')
  }
  const calls = callsOfOneSession(upstream)
  const session = calls?.[0]?.session ?? onlySession(context)
  if (!upstream.oneSubject || session === null) {
    return toLog(context, line, envelope)
  }
  if (!passesLevel(textOf(line, envelope.level), session.level)) return
  const message = whole(line, envelope)
  if (calls?.length === 1 && calls[0]?.sink.notify(message) === true) return
  session.listen.send(message)
}

function callsOfOneSession(upstream: Upstream): Call[] | null {
  const calls = [...upstream.calls.values()]
  const session = calls[0]?.session ?? null
  return session !== null && calls.every((call) => call.session === session) ? calls : null
}

function onlySession(context: BridgeContext): Session | null {
  let only: Session | null = null
  for (const session of context.sessions.all()) {
    if (session.own) continue
    if (only !== null) return null
    only = session
  }
  return only
}

function whole(line: Buffer, envelope: Envelope): Bytes {
  return splice(line, envelope, [])
}
