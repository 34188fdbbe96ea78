import type { IncomingMessage, ServerResponse } from 'node:http'
import { CatwalkError, mayRequest, type Caller } from '../../domain/index.ts'
import {
  acceptsAnswers,
  hasBatches,
  isJsonRpc2,
  isJsonType,
  isLegacyVersion,
  isModernVersion,
  LEGACY_VERSIONS,
  lettersOf,
  messageKind,
  RPC,
  rpcError,
  scan,
  ScanError,
  textOf,
  type Envelope,
} from '../../protocol/index.ts'
import { connect } from '../sessions/connect.ts'
import type { BridgeContext } from '../context.ts'
import { clientMessage, clientRequest } from '../messages/from-client.ts'
import { modernPost } from './modern-post.ts'
import { requestOnModern } from '../translation/legacy-on-modern.ts'
import { openSession } from '../sessions/open-session.ts'
import { readBody, type BodyProblem } from './read-body.ts'
import { Reply } from './reply.ts'
import { reporterOf } from '../report.ts'
import { catwalkError, refuse, respondEmpty, respondJson } from './respond.ts'
import type { Session } from '../sessions/session.ts'
import { findSession } from '../sessions/find-session.ts'
import { enter } from '../messages/tool-lens.ts'
import type { Upstream } from '../processes/upstream.ts'

/** Streamable HTTP, POST: one message (or a batch, in 2025-03-26) from the client. */
export function handlePost(
  context: BridgeContext,
  req: IncomingMessage,
  res: ServerResponse,
  caller: Caller,
  read?: Buffer,
): void {
  if (!acceptsAnswers(req.headers.accept)) {
    return refuse(
      res,
      406,
      caller.requestId,
      RPC.serverError,
      'Accept must list application/json and text/event-stream.',
    )
  }
  if (!isJsonType(req.headers['content-type'])) {
    return refuse(res, 415, caller.requestId, RPC.serverError, 'Content-Type must be application/json.')
  }
  if (read !== undefined) return guarded(context, req, res, caller, read)
  const { maxMessageBytes, maxInboundBytes } = context.limits
  readBody(req, maxMessageBytes, context.inbound, maxInboundBytes, (body) => {
    if (typeof body === 'string') refuseBody(context, res, caller, body)
    else guarded(context, req, res, caller, body)
  })
}

function refuseBody(context: BridgeContext, res: ServerResponse, caller: Caller, problem: BodyProblem): void {
  // The rest of the body is not read, so the connection cannot be used again.
  const close = ['connection', 'close']
  if (problem === 'too_large') {
    const limit = context.limits.maxMessageBytes
    refuse(res, 413, caller.requestId, RPC.invalidRequest, `A message has at most ${limit} bytes.`, close)
  } else if (problem === 'busy') {
    const text = 'Too many large messages are under way. Try again in a moment.'
    refuse(res, 503, caller.requestId, RPC.serverError, text, [...close, 'retry-after', '1'])
  }
}

/** Nothing that a client sends may end the program. */
function guarded(
  context: BridgeContext,
  req: IncomingMessage,
  res: ServerResponse,
  caller: Caller,
  body: Buffer,
): void {
  try {
    received(context, req, res, caller, body)
  } catch (error) {
    context.output('system', `A request could not be handled: ${String(error)}`)
    refuse(res, 500, caller.requestId, RPC.internalError, 'The request could not be handled.')
  }
}

function received(
  context: BridgeContext,
  req: IncomingMessage,
  res: ServerResponse,
  caller: Caller,
  body: Buffer,
): void {
  let found: Envelope | readonly Envelope[]
  try {
    found = scan(body, { maxDepth: context.limits.maxDepth, trusted: false })
  } catch (error) {
    if (!(error instanceof ScanError)) throw error
    const unreadable = error.fault === 'not_json' || error.fault === 'not_utf8'
    return refuse(res, 400, caller.requestId, unreadable ? RPC.parseError : RPC.invalidRequest, error.message)
  }
  const batch = 'length' in found
  const envelopes: readonly Envelope[] = 'length' in found ? found : [found]
  for (const envelope of envelopes) {
    if (messageKind(body, envelope) === null || !isJsonRpc2(body, envelope)) {
      return refuse(res, 400, caller.requestId, RPC.invalidRequest, 'This is not a JSON-RPC 2.0 message.')
    }
  }
  const [first] = envelopes
  if (first === undefined) return
  if (refusedByScope(res, caller, body, envelopes)) return
  const version = req.headers['mcp-protocol-version']
  if (first.metaVersion !== null || (typeof version === 'string' && isModernVersion(version))) {
    if (!batch) return modernPost(context, req, res, caller, body, first)
    return refuse(res, 400, caller.requestId, RPC.invalidRequest, 'This revision has no batches.')
  }
  if (!speaksLegacy(version)) return refuseVersion(res, caller, body, first)
  if (!batch && messageKind(body, first) === 'request' && textOf(body, first.method) === 'initialize') {
    return void openSession(context, res, caller, body, first)
  }
  const session = findSession(context, req, res, caller)
  if (session === null) return
  if (batch && !hasBatches(session.version)) {
    return refuse(
      res,
      400,
      caller.requestId,
      RPC.invalidRequest,
      `Revision ${session.version} has no batches.`,
    )
  }
  const upstream = connect(context, session)
  if (!(upstream instanceof Promise) && !upstream.blocked) {
    return deliver(context, upstream, session, res, caller, body, envelopes, batch)
  }
  void deliverLater(context, upstream, session, res, caller, body, envelopes, batch)
}

/** When the session's process has to be started first, or does not take more right now. */
async function deliverLater(
  context: BridgeContext,
  connecting: Upstream | Promise<Upstream>,
  session: Session,
  res: ServerResponse,
  caller: Caller,
  body: Buffer,
  envelopes: readonly Envelope[],
  batch: boolean,
): Promise<void> {
  context.inbound.bytes += body.length
  try {
    const upstream = await connecting
    await upstream.unblocked()
    deliver(context, upstream, session, res, caller, body, envelopes, batch)
  } catch (error) {
    const id = envelopes[0]?.id ?? null
    const known =
      error instanceof CatwalkError ? error : new CatwalkError('internal', 'The server could not be reached.')
    if (known !== error) context.output('system', `A session could not be continued: ${String(error)}`)
    const text = catwalkError(id === null ? null : lettersOf(body, id), known, caller.requestId)
    respondJson(res, known.code === 'unavailable' ? 503 : 200, caller.requestId, text)
  } finally {
    context.inbound.bytes -= body.length
  }
}

function deliver(
  context: BridgeContext,
  upstream: Upstream,
  session: Session,
  res: ServerResponse,
  caller: Caller,
  body: Buffer,
  envelopes: readonly Envelope[],
  batch: boolean,
): void {
  let due = 0
  for (const envelope of envelopes) if (envelope.method !== null && envelope.id !== null) due++
  const { requestId } = caller
  const reply =
    due === 0 ? null : new Reply(res, requestId, session, () => context.sessions.stream(session), due, batch)
  for (const envelope of envelopes) {
    const kind = messageKind(body, envelope)
    if (kind === 'request' && reply !== null) {
      const send = upstream.era === 'modern' ? requestOnModern : clientRequest
      const rules = context.tools?.rules ?? null
      if (rules === null) send(context, upstream, session, body, envelope, reply, caller)
      else {
        const entered = enter(rules, { body, envelope })
        if ('envelope' in entered)
          send(context, upstream, session, entered.body, entered.envelope, reply, caller)
        else refuseCall(reply, caller, body, envelope, entered)
      }
    } else if (kind === 'response' || kind === 'notification') {
      clientMessage(upstream, session, body, envelope, kind)
    }
  }
  if (reply === null) respondEmpty(res, 202, requestId)
}

function refuseCall(
  reply: Reply,
  caller: Caller,
  body: Buffer,
  envelope: Envelope,
  error: CatwalkError,
): void {
  if (envelope.id !== null) reply.fail(lettersOf(body, envelope.id), error)
  reporterOf(caller, body, envelope)?.('error')
}

/** Whether a request is beyond what the caller's token is good for, which is then answered (RFC 6750, 3.1). */
function refusedByScope(
  res: ServerResponse,
  caller: Caller,
  body: Buffer,
  envelopes: readonly Envelope[],
): boolean {
  if (caller.scope !== 'read') return false
  const beyond = envelopes.find(
    ({ id, method }) => id !== null && method !== null && !mayRequest('read', textOf(body, method) ?? ''),
  )
  if (beyond === undefined || beyond.id === null) return false
  const error = new CatwalkError('forbidden', 'This token is for reading: it calls no tools.', {
    help: 'Ask for a token with full scope.',
  })
  const text = catwalkError(lettersOf(body, beyond.id), error, caller.requestId)
  res.setHeader('www-authenticate', caller.challenge ?? 'Bearer error="insufficient_scope", scope="full"')
  respondJson(res, 403, caller.requestId, text)
  return true
}

/** Without a header the session's version counts. */
function speaksLegacy(version: string | string[] | undefined): boolean {
  return version === undefined || (typeof version === 'string' && isLegacyVersion(version))
}

/**
 * The answer of a server that only knows revisions with a handshake: no error of the modern era, so that a client of
 * both goes on with `initialize` (2026-07-28, Streamable HTTP, backward compatibility).
 */
function refuseVersion(res: ServerResponse, caller: Caller, body: Buffer, envelope: Envelope): void {
  const id = envelope.id === null ? null : lettersOf(body, envelope.id)
  const message = `Unsupported protocol version (supported: ${LEGACY_VERSIONS.join(', ')}). Start with "initialize".`
  respondJson(res, 400, caller.requestId, rpcError(id, RPC.serverError, message))
}
