import {
  lettersOf,
  rpcError,
  splice,
  textOf,
  type Edit,
  type Envelope,
  type MessageKind,
} from '../../protocol/index.ts'
import type { Caller } from '../../domain/index.ts'
import { cancellation } from '../processes/ask.ts'
import type { Sink } from '../processes/call.ts'
import type { BridgeContext } from '../context.ts'
import { describeEnd } from '../processes/describe-end.ts'
import { mostVerbose } from './log-level.ts'
import { reporterOf } from '../report.ts'
import type { Session } from '../sessions/session.ts'
import { refusedTask, watchTasks } from './task-calls.ts'
import { relisting } from './tool-lens.ts'
import type { Upstream } from '../processes/upstream.ts'

/** Sends a client's request on, under ids of ours. */
export function clientRequest(
  context: BridgeContext,
  upstream: Upstream,
  session: Session,
  body: Buffer,
  envelope: Envelope,
  sink: Sink,
  caller: Caller,
): void {
  if (envelope.id === null) return
  const id = lettersOf(body, envelope.id)
  const report = reporterOf(caller, body, envelope)
  // It may have ended while the request waited for it.
  if (!upstream.alive) {
    sink.fail(id, describeEnd(undefined, true))
    return report?.('failed')
  }
  const method = textOf(body, envelope.method) ?? ''
  const refused =
    upstream.shared && method.startsWith('tasks/') ? refusedTask(upstream, session, body, envelope) : null
  if (refused !== null) {
    sink.answer(rpcError(id, refused.code, refused.message), refused.code)
    return report?.('error')
  }
  const kept = note(context, session, body, envelope)
  const extra = upstream.shared ? sharedEdit(context, session, body, envelope) : null
  const answered = kept === null ? sink : onceKept(sink, kept)
  if (extra === 'answered') {
    answered.answer(`{"jsonrpc":"2.0","id":${id},"result":{}}`, null)
    return report?.('ok')
  }

  const token = envelope.progressToken
  const translate = watchTasks(upstream, session, body, envelope, () => number)
  const number = upstream.open({
    session,
    subject: session.claims.subject,
    id,
    progressToken: token === null ? null : lettersOf(body, token),
    sink: answered,
    startedAt: context.now,
    ...(translate === undefined ? {} : { translate }),
    ...relisting(context, upstream, method, () => upstream.told),
    ...(report === undefined ? {} : { report }),
  })
  const letters = String(number)
  const edits: Edit[] = [{ span: envelope.id, letters }]
  if (token !== null) edits.push({ span: token, letters })
  if (extra !== null) edits.push(extra)
  if (edits.length > 1) edits.sort((a, b) => a.span.start - b.span.start)
  upstream.send(splice(body, envelope, edits))
}

/** Holds an answer back until what it acknowledges is kept, so that no crash can lose it afterwards. */
function onceKept(sink: Sink, kept: Promise<void>): Sink {
  return {
    notify: (message) => sink.notify(message),
    answer(message, code) {
      // Its bytes are valid for this turn only.
      const own = typeof message === 'string' ? message : message.map((part) => Buffer.from(part))
      void kept.then(() => sink.answer(own, code))
    },
    fail: (id, error) => sink.fail(id, error),
    keepAlive: (now) => sink.keepAlive(now),
    abandon: () => sink.abandon(),
  }
}

/**
 * Remembers what a client asks for as long as the session lasts: resource subscriptions and the log level. Null when
 * there is nothing to remember, otherwise resolves when it is kept.
 */
export function note(
  context: BridgeContext,
  session: Session,
  body: Buffer,
  envelope: Envelope,
): Promise<void> | null {
  const method = textOf(body, envelope.method)
  if (method === 'logging/setLevel') {
    const level = textOf(body, envelope.level)
    if (level === undefined || mostVerbose([level]) === undefined) return null
    session.level = level
  } else if (method === 'resources/subscribe') {
    const uri = textOf(body, envelope.uri)
    if (uri === undefined || session.subscriptions.size >= MAX_SUBSCRIPTIONS) return null
    session.subscriptions.add(uri)
  } else if (method === 'resources/unsubscribe') {
    if (!session.subscriptions.delete(textOf(body, envelope.uri) ?? '')) return null
  } else return null
  return context.sessions.keep(session)
}

/** More are passed on to the server, but not remembered. */
const MAX_SUBSCRIPTIONS = 1000

/**
 * What changes in a request because the process is shared: subscriptions are counted, the log level is the most verbose
 * one that any session asked for.
 */
function sharedEdit(
  context: BridgeContext,
  session: Session,
  body: Buffer,
  envelope: Envelope,
): Edit | 'answered' | null {
  switch (textOf(body, envelope.method) ?? '') {
    case 'resources/unsubscribe': {
      const uri = textOf(body, envelope.uri)
      return uri !== undefined && isWanted(context, uri) ? 'answered' : null
    }
    case 'logging/setLevel': {
      const lowest = mostVerbose(sharedLevels(context))
      if (envelope.level === null || lowest === undefined || session.level === null) return null
      return { span: envelope.level, letters: JSON.stringify(lowest) }
    }
    default:
      return null
  }
}

/** Whether anybody on the shared process is still subscribed. */
export function isWanted(context: BridgeContext, uri: string): boolean {
  for (const session of context.sessions.all())
    if (!session.own && session.subscriptions.has(uri)) return true
  for (const listener of context.listeners) if (listener.uris.has(uri)) return true
  return false
}

/** What the clients of the shared process want to hear. */
export function* sharedLevels(context: BridgeContext): Iterable<string | null> {
  for (const session of context.sessions.all()) if (!session.own) yield session.level
  yield context.pool.shared.legacy?.askedLevel ?? null
}

/** Sends on what a client says without expecting an answer: a notification, or its answer to the server. */
export function clientMessage(
  upstream: Upstream,
  session: Session,
  body: Buffer,
  envelope: Envelope,
  kind: Exclude<MessageKind, 'request'>,
): void {
  if (kind === 'response') {
    // Only to what was asked in this session; late answers to cancelled requests end here.
    if (envelope.id !== null) answer(upstream, session, body, envelope, lettersOf(body, envelope.id))
    return
  }
  const method = textOf(body, envelope.method)
  if (method === 'notifications/cancelled') {
    if (envelope.requestId !== null) cancel(upstream, session, lettersOf(body, envelope.requestId))
    return
  }
  // The modern era has no other notifications in this direction.
  if (upstream.era === 'modern') return
  // The shared process was initialised by us, and nobody's roots or progress are the others' business.
  if (upstream.shared && method !== undefined && KEPT_FROM_SHARED.has(method)) return
  upstream.send(splice(body, envelope, []))
}

function answer(upstream: Upstream, session: Session, body: Buffer, envelope: Envelope, id: string): void {
  const asked = session.asked.get(id)
  session.asked.delete(id)
  if (asked === undefined) return
  if (asked.answered === null) upstream.send(splice(body, envelope, []))
  else if (envelope.result !== null) asked.answered({ result: lettersOf(body, envelope.result) })
  else asked.answered(envelope.error === null ? null : { error: lettersOf(body, envelope.error) })
}

const KEPT_FROM_SHARED = new Set([
  'notifications/initialized',
  'notifications/progress',
  'notifications/roots/list_changed',
])

/** Cancels the calls of this session, and of no other, that have this id. */
function cancel(upstream: Upstream, session: Session, id: string): void {
  for (const round of session.rounds) if (round.id === id) round.cancel()
  for (const [number, call] of upstream.calls) {
    if (call.session !== session || call.id !== id) continue
    upstream.close(number)
    upstream.send(cancellation(number))
    call.sink.abandon()
    call.report?.('cancelled')
  }
}

/** Cancels all calls of a session that has ended. */
export function cancelAll(upstream: Upstream, session: Session): void {
  for (const [number, call] of upstream.calls) {
    if (call.session !== session) continue
    upstream.close(number)
    upstream.send(cancellation(number))
    call.sink.abandon()
    call.report?.('cancelled')
  }
}
