import type { ServerResponse } from 'node:http'
import { CatwalkError, type Caller, type JsonObject } from '../../domain/index.ts'
import {
  LATEST_LEGACY,
  lettersOf,
  META_KEYS,
  negotiate,
  RPC,
  rpcError,
  splice,
  type Bytes,
  type Envelope,
  type LegacyVersion,
} from '../../protocol/index.ts'
import type { BridgeContext } from '../context.ts'
import { sharedFor } from './connect.ts'
import { isObject, OURSELVES, readHandshake, withToolChanges } from '../processes/handshake.ts'
import { wantsOwnProcess } from '../processes/process-policy.ts'
import { reporterOf } from '../report.ts'
import { serverAcross, serverAt } from '../translation/capabilities.ts'
import { catwalkError, respondJson } from '../http/respond.ts'
import type { Handshake, Upstream } from '../processes/upstream.ts'

interface Introduction {
  readonly version: string
  readonly capabilities: JsonObject
  readonly clientInfo: JsonObject
}

const RETRY_AFTER = ['retry-after', '5'] as const

/** Answers `initialize`: a session on the shared process, or on one of its own. */
export async function openSession(
  context: BridgeContext,
  res: ServerResponse,
  caller: Caller,
  body: Buffer,
  envelope: Envelope,
): Promise<void> {
  const id = envelope.id === null ? null : lettersOf(body, envelope.id)
  const introduction = readIntroduction(body, envelope)
  if (introduction === null) {
    const text = rpcError(id, RPC.invalidParams, 'protocolVersion, capabilities and clientInfo are required.')
    return respondJson(res, 400, caller.requestId, text)
  }
  const report = reporterOf(caller, body, envelope)
  context.usedAt = context.now
  try {
    const wantsOwn = wantsOwnProcess(context, introduction.capabilities)
    const shared = await withinLimit(sharedFor(context, wantsOwn), context.limits.handshakeMs)
    if (shared === null) await openOwn(context, res, caller, introduction, body, envelope)
    else openShared(context, shared, res, caller, introduction, id)
    report?.('ok')
  } catch (error) {
    const known =
      error instanceof CatwalkError ? error : new CatwalkError('internal', 'The session could not be opened.')
    if (known !== error) context.output('system', `A session could not be opened: ${String(error)}`)
    report?.('failed')
    const busy = known.code === 'unavailable'
    const text = catwalkError(id, known, caller.requestId)
    respondJson(res, busy ? 503 : 200, caller.requestId, text, busy ? RETRY_AFTER : [])
  }
}

function openShared(
  context: BridgeContext,
  upstream: Upstream,
  res: ServerResponse,
  caller: Caller,
  introduction: Introduction,
  id: string | null,
): void {
  const { sessions } = context
  const handshake = upstream.handshake ?? handshakeFrom(upstream.discovered ?? {})
  const version = negotiate(introduction.version, handshake.version)
  const session = sessions.open({ ...introduction, subject: caller.subject, version })
  session.own = false
  session.upstream = upstream
  if (upstream.era === 'modern') context.subscription.refresh().catch(() => undefined)
  const result = resultForShared(context, handshake, version)
  const text = `{"jsonrpc":"2.0","id":${id},"result":`
  // The id is in the letters it came in (one character a byte), the result is text.
  const answer = text + Buffer.from(JSON.stringify(result)).toString('latin1') + '}'
  respondJson(res, 200, caller.requestId, answer, ['mcp-session-id', session.token])
}

/** What `server/discover` says, in the words of `initialize` (legacy client, modern server). */
function handshakeFrom(discovered: JsonObject): Handshake {
  const { capabilities, instructions, _meta: meta } = discovered
  const serverInfo = isObject(meta) ? meta[META_KEYS.server] : undefined
  return {
    version: LATEST_LEGACY,
    result: {
      protocolVersion: LATEST_LEGACY,
      capabilities: isObject(capabilities) ? serverAcross(capabilities) : {},
      serverInfo: isObject(serverInfo) ? serverInfo : OURSELVES,
      ...(typeof instructions === 'string' ? { instructions } : {}),
    },
  }
}

/** The result is made per session: for its revision, whatever the process was told. */
function resultForShared({ tools }: BridgeContext, handshake: Handshake, version: LegacyVersion): JsonObject {
  const { capabilities } = handshake.result
  const offered = isObject(capabilities) ? serverAt(version, capabilities) : {}
  const announced = tools === null ? offered : withToolChanges(offered)
  return { ...handshake.result, protocolVersion: version, capabilities: announced }
}

async function openOwn(
  context: BridgeContext,
  res: ServerResponse,
  caller: Caller,
  introduction: Introduction,
  body: Buffer,
  envelope: Envelope,
): Promise<void> {
  const { pool, sessions, limits } = context
  if (envelope.id === null) return
  const upstream = await pool.startOwn()
  const { promise, resolve, reject } = Promise.withResolvers<Bytes>()
  const number = upstream.open({
    session: null,
    subject: '',
    id: lettersOf(body, envelope.id),
    progressToken: null,
    startedAt: Infinity,
    sink: {
      notify: () => false,
      answer: resolve,
      fail: (_id, error) => reject(error),
      keepAlive: () => undefined,
      abandon: () => undefined,
    },
  })
  // The client's own words, so that the server sees exactly what this client is and can do.
  upstream.send(splice(body, envelope, [{ span: envelope.id, letters: String(number) }]))
  try {
    const answer = await withinLimit(promise, limits.handshakeMs)
    const result = resultOf(answer)
    if (result === null) {
      void pool.retire(upstream, 0)
      return respondJson(res, 200, caller.requestId, answer)
    }
    const handshake = readHandshake(result)
    upstream.handshake = handshake
    upstream.told = introduction.capabilities
    const session = sessions.open({ ...introduction, subject: caller.subject, version: handshake.version })
    session.own = true
    session.upstream = upstream
    upstream.session = session
    respondJson(res, 200, caller.requestId, answer, ['mcp-session-id', session.token])
  } catch (error) {
    void pool.retire(upstream, 0)
    throw error
  }
}

function resultOf(answer: Bytes): JsonObject | null {
  const bytes = typeof answer === 'string' ? Buffer.from(answer, 'latin1') : Buffer.concat(answer)
  const message: unknown = JSON.parse(bytes.toString())
  return isObject(message) && isObject(message['result']) ? message['result'] : null
}

function readIntroduction(body: Buffer, envelope: Envelope): Introduction | null {
  if (envelope.params === null) return null
  const params: unknown = JSON.parse(body.toString('utf8', envelope.params.start, envelope.params.end))
  if (!isObject(params)) return null
  const { protocolVersion, capabilities, clientInfo } = params
  if (typeof protocolVersion !== 'string' || !isObject(capabilities) || !isObject(clientInfo)) return null
  return { version: protocolVersion, capabilities, clientInfo }
}

/** @throws CatwalkError `server_silent` after `ms` */
async function withinLimit<T>(promise: Promise<T>, ms: number): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new CatwalkError('server_silent', 'The server did not answer "initialize" in time.')),
    ms,
  )
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
