import type { JsonObject } from '../../domain/index.ts'
import {
  insertMembers,
  lettersOf,
  META_KEYS,
  RPC,
  rpcError,
  splice,
  textOf,
  type Envelope,
} from '../../protocol/index.ts'
import { ask } from '../processes/ask.ts'
import type { BridgeContext } from '../context.ts'
import { unsubscribe } from '../sessions/end-session.ts'
import { refuseRequest, replyTo, type Exchange } from '../http/exchange.ts'
import { endOfSubscription } from '../messages/from-modern-server.ts'
import { isObject, withToolChanges } from '../processes/handshake.ts'
import { wasAcknowledged } from '../asleep/held-streams.ts'
import { objectAt } from './input-requests.ts'
import type { ModernReply } from '../http/modern-reply.ts'
import type { ModernRequest } from '../http/modern-request.ts'
import type { Report } from '../report.ts'
import type { Upstream } from '../processes/upstream.ts'

/** A modern client that listens for changes of a legacy server. */
export interface Listener {
  /** The letters of its request's id. */
  readonly id: string
  readonly reply: ModernReply
  readonly report: Report | undefined
  /** Methods of the notifications that it wants. */
  readonly lists: ReadonlySet<string>
  readonly uris: ReadonlySet<string>
}

const LISTS = {
  toolsListChanged: 'tools',
  promptsListChanged: 'prompts',
  resourcesListChanged: 'resources',
} as const
const UPDATED = 'notifications/resources/updated'
const SUBSCRIBE_MS = 10_000
const MAX_URIS = 1000
const OPEN_OBJECT = 0x7b

/** Answers `subscriptions/listen` (2026-07-28) for a legacy server, from what its shared process announces to everybody. */
export async function listen(
  context: BridgeContext,
  exchange: Exchange,
  request: ModernRequest,
  upstream: Upstream,
): Promise<void> {
  const filter = filterOf(request)
  if (filter === null) {
    const text = 'notifications must be an object of flags and of a list of URIs.'
    return refuseRequest(exchange, request.id, RPC.invalidParams, text)
  }
  const reply = replyTo(context, exchange, upstream)
  if (context.listeners.size >= context.limits.maxListeners) {
    reply.answer(
      rpcError(request.id, RPC.internalError, 'Too many subscriptions are open.'),
      RPC.internalError,
    )
    return exchange.report?.('error')
  }
  const honoured = await honour(context, upstream, filter)
  const listener: Listener = { id: request.id, reply, report: exchange.report, ...honoured }
  if (exchange.res.destroyed) return end(context, listener)
  const flags = Object.entries(LISTS).filter(([, list]) =>
    listener.lists.has(`notifications/${list}/list_changed`),
  )
  const notifications = {
    ...Object.fromEntries(flags.map(([flag]) => [flag, true])),
    ...(listener.uris.size > 0 ? { resourceSubscriptions: [...listener.uris] } : {}),
  }
  const meta = `{"${META_KEYS.subscription}":${request.id}}`
  const accepted = Buffer.from(JSON.stringify(notifications)).toString('latin1')
  const params = `{"_meta":${meta},"notifications":${accepted}}`
  if (!wasAcknowledged(exchange.res))
    reply.notify(`{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":${params}}`)
  // Nothing would ever follow.
  if (flags.length === 0 && listener.uris.size === 0) return endListener(context, listener)
  context.listeners.add(listener)
  exchange.res.once('close', () => end(context, listener))
  void upstream.gone.then(() => endListener(context, listener))
}

/** Ends a subscription of our own accord. */
export function endListener(context: BridgeContext, listener: Listener): void {
  listener.reply.answer(endOfSubscription(listener.id), null)
  end(context, listener)
}

function end(context: BridgeContext, listener: Listener): void {
  listener.reply.done = true
  context.listeners.delete(listener)
  for (const uri of listener.uris) unsubscribe(context, uri)
  listener.report?.('ok')
}

/** Hands an announcement to those who asked for it, each under the id of its own request. */
export function announce(context: BridgeContext, line: Buffer, envelope: Envelope, method: string): void {
  if (context.listeners.size === 0) return
  const uri = method === UPDATED ? textOf(line, envelope.uri) : undefined
  for (const listener of context.listeners) {
    const wanted = uri === undefined ? listener.lists.has(method) : covers(listener.uris, uri)
    if (wanted) listener.reply.notify(withSubscription(line, envelope, listener.id))
  }
}

/** Whether one of the URIs is this one, or a resource of which this one is a part. */
export function covers(uris: ReadonlySet<string>, uri: string): boolean {
  if (uris.has(uri)) return true
  for (const subscribed of uris) if (uri.startsWith(`${subscribed}/`)) return true
  return false
}

function withSubscription(line: Buffer, envelope: Envelope, id: string): ReturnType<typeof splice> {
  const { params, meta, method } = envelope
  const entry = `"${META_KEYS.subscription}":${id}`
  if (params === null || line[params.start] !== OPEN_OBJECT) {
    const name = method === null ? '""' : lettersOf(line, method)
    return `{"jsonrpc":"2.0","method":${name},"params":{"_meta":{${entry}}}}`
  }
  if (meta === null || line[meta.start] !== OPEN_OBJECT) {
    return splice(line, envelope, [insertMembers(line, params, `"_meta":{${entry}}`)])
  }
  return splice(line, envelope, [insertMembers(line, meta, entry)])
}

interface Filter {
  readonly lists: readonly (keyof typeof LISTS)[]
  readonly uris: readonly string[]
}

function filterOf({ body, envelope }: ModernRequest): Filter | null {
  const params = envelope.params === null ? {} : objectAt(body, envelope.params)
  const { notifications } = params
  if (!isObject(notifications)) return null
  const uris: unknown = notifications['resourceSubscriptions'] ?? []
  if (!Array.isArray(uris) || uris.length > MAX_URIS) return null
  if (!uris.every((uri): uri is string => typeof uri === 'string')) return null
  const flags = Object.keys(LISTS).filter((flag): flag is keyof typeof LISTS => notifications[flag] === true)
  return { lists: flags, uris }
}

/** The part of a filter that the server can serve. */
async function honour(
  { tools }: BridgeContext,
  upstream: Upstream,
  { lists, uris }: Filter,
): Promise<Pick<Listener, 'lists' | 'uris'>> {
  const declared = upstream.handshake?.result['capabilities']
  const capabilities = isObject(declared) && tools !== null ? withToolChanges(declared) : declared
  const offers = (list: string, what: string): boolean => {
    const capability: unknown = isObject(capabilities) ? capabilities[list] : undefined
    return isObject(capability) && capability[what] === true
  }
  const announced = lists.filter((flag) => offers(LISTS[flag], 'listChanged'))
  const subscribed = offers('resources', 'subscribe')
    ? await Promise.all(uris.map(async (uri) => ((await subscribe(upstream, uri)) ? [uri] : [])))
    : []
  return {
    lists: new Set(announced.map((flag) => `notifications/${LISTS[flag]}/list_changed`)),
    uris: new Set(subscribed.flat()),
  }
}

async function subscribe(upstream: Upstream, uri: string): Promise<boolean> {
  const params: JsonObject = { uri }
  try {
    await ask(upstream, 'resources/subscribe', params, '', AbortSignal.timeout(SUBSCRIBE_MS))
    return true
  } catch {
    return false
  }
}
