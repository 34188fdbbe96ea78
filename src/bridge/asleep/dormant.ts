import type { IncomingMessage, ServerResponse } from 'node:http'
import { randomBytes } from 'node:crypto'
import {
  capabilitySetOf,
  CatwalkError,
  mayRequest,
  NO_CAPABILITIES,
  type Caller,
  type Clock,
  type Endpoint,
  type HeldStream,
  type JsonObject,
  type Manifest,
  type OffersBySet,
  type SessionMemory,
  type ToolRules,
} from '../../domain/index.ts'
import {
  acceptsAnswers,
  acceptsEvents,
  createSealer,
  isJsonRpc2,
  isJsonType,
  isLegacyVersion,
  isModernVersion,
  lettersOf,
  LEGACY_VERSIONS,
  messageKind,
  META_KEYS,
  openSession,
  RPC,
  rpcError,
  scan,
  sealSession,
  SSE_KEEP_ALIVE,
  textOf,
  type Envelope,
  type SessionClaims,
} from '../../protocol/index.ts'
import {
  announced,
  changesOf,
  discoverResult,
  initializeResult,
  isListed,
  listResult,
  modernResult,
} from './from-manifest.ts'
import type { Era } from '../processes/era.ts'
import { isObject, withToolChanges } from '../processes/handshake.ts'
import { createHeldStreams, markAcknowledged, startStream } from './held-streams.ts'
import { DEFAULT_LIMITS } from '../limits.ts'
import { isLogLevel } from '../messages/log-level.ts'
import { checkRequest } from '../http/modern-request.ts'
import { canBeAsked, toldOf, type ProcessPolicy } from '../processes/process-policy.ts'
import { readBody, type Inbound } from '../http/read-body.ts'
import { reporterOf } from '../report.ts'
import { catwalkError, refuse, respondEmpty, respondJson, writeEvent } from '../http/respond.ts'
import { LISTEN_STREAM } from '../sessions/session-store.ts'
import { enter } from '../messages/tool-lens.ts'
import { visitFirst, type PageToVisit, type Visitor } from './visit-first.ts'

export interface DormantOptions {
  readonly deploymentId: string
  /** The key and memory of the deployment's bridges, so that sessions go on in them. */
  readonly sealKey: Buffer
  readonly memory: SessionMemory
  /** What the server that sleeps was recorded to say. */
  readonly manifest: Manifest
  /** What it was recorded to offer clients with capabilities. Left out: nothing. */
  readonly sets?: OffersBySet
  readonly processes: ProcessPolicy
  /** Whether a session ends with its process: then only a process can open one that goes on. */
  readonly stateful: boolean
  /** What the owner set for tools at this moment. Left out: nothing. */
  readonly tools?: () => ToolRules | null
  readonly clock: Clock
  readonly maxMessageBytes: number
  readonly keepAliveMs?: number
  /** Called after a stream is held: perhaps an instance has come up in between. */
  readonly onHeld?: () => void
  /** Where the caller must have been before the server can be woken; every request that needs it is told so. */
  readonly visit?: PageToVisit
  /**
   * Waits until an instance answers.
   * @throws CatwalkError with the reason when none will
   */
  readonly wake: (signal: AbortSignal) => Promise<Endpoint>
}

/**
 * The MCP side of a server without an instance: what its manifest answers is answered, streams of sessions are held, and
 * everything else wakes it and is handed on. Sessions that are opened here go on in the next bridge.
 */
export interface Dormant extends Pick<Endpoint, 'handle'> {
  /** Keeps streams that a bridge had to let go. */
  hold(streams: readonly HeldStream[]): void
  /** Lets go of all streams that it holds, for another one that keeps them. */
  release(): readonly HeldStream[]
  /** Gives all streams to an instance, and tells subscribers that lists may differ from what was recorded. */
  handOver(endpoint: Pick<Endpoint, 'handle'>): void
  readonly holding: number
}

/** Bodies that are read while nothing runs, of one deployment. */
const MAX_INBOUND_BYTES = 64 * 1_048_576
const RETRY_AFTER = ['retry-after', '5'] as const

export function createDormant(options: DormantOptions): Dormant {
  const { deploymentId, memory, clock, processes } = options
  const { tools } = options
  const changeable = (recorded: Manifest): Manifest =>
    tools === undefined ? recorded : { ...recorded, capabilities: withToolChanges(recorded.capabilities) }
  const manifest = changeable(options.manifest)
  const sets = new Map(Object.entries(options.sets ?? {}))
  const sealer = createSealer(options.sealKey, 'mcp session')
  // No bridge has this name: the one that goes on with a session of ours replays its handshake.
  const bridge = randomBytes(6).toString('base64url')
  const keepAliveMs = options.keepAliveMs ?? DEFAULT_LIMITS.keepAliveMs
  const streams = createHeldStreams(keepAliveMs)
  const inbound: Inbound = { bytes: 0 }

  /** As clients are to see it. */
  function listed(offered: Manifest, method: Parameters<typeof listResult>[1]): JsonObject | null {
    const result = listResult(offered, method)
    const rules = method === 'tools/list' ? (tools?.() ?? null) : null
    return rules === null || result === null ? result : { ...result, tools: rules.show(offered.tools) }
  }

  /** A call of a tool that must not be called wakes nobody. */
  function refusal(body: Buffer, envelope: Envelope): CatwalkError | null {
    const rules = tools?.() ?? null
    const entered = rules === null ? null : enter(rules, { body, envelope })
    return entered === null || 'envelope' in entered ? null : entered
  }

  /** The session that a request names, as a bridge would find it, or null. */
  function sessionOf({ headers }: IncomingMessage, { subject }: Caller): SessionClaims | null {
    const token = headers['mcp-session-id']
    const claims = typeof token === 'string' ? openSession(sealer, token) : undefined
    if (claims === undefined || claims.deploymentId !== deploymentId || claims.subject !== subject)
      return null
    return memory.isEnded(claims.id) || expiryOf(claims) <= clock.now().getTime() ? null : claims
  }

  /** What is recorded for a client that declares these capabilities; null when only the server itself knows. */
  function recordedFor(client: Era, declared: JsonObject): Manifest | null {
    if (manifest.era === undefined) return null
    // There is no process that could say more.
    if (options.visit !== undefined) return manifest
    if (processes === 'per-session') return null
    const set = capabilitySetOf(toldOf(manifest.era, processes, client, declared))
    if (set === NO_CAPABILITIES) return manifest
    const offers = set === null ? undefined : sets.get(set)
    if (offers !== undefined) return offers === null ? manifest : changeable({ ...manifest, ...offers })
    return processes === 'shared' || !canBeAsked(declared) ? manifest : null
  }

  function visitorOf(req: IncomingMessage, caller: Caller, body: Buffer): Visitor {
    const claims = sessionOf(req, caller)
    if (claims !== null) {
      // As the client declared them, in JSON.
      const capabilities = claims.capabilities as JsonObject
      return { era: 'legacy', version: claims.version, capabilities }
    }
    const found = scan(body, { maxDepth: DEFAULT_LIMITS.maxDepth, trusted: true })
    const isModern = !('length' in found) && found.metaVersion !== null
    const capabilities = isModern ? objectAt(body, found.metaCapabilities) : {}
    return { era: isModern ? 'modern' : 'legacy', version: null, capabilities }
  }

  /** Answers a request that the server is needed for, and that it is not woken for. */
  function refuseUnvisited(
    page: PageToVisit,
    [req, res, caller]: readonly [IncomingMessage, ServerResponse, Caller],
    body: Buffer | undefined,
    id: string | null,
  ): void {
    const { requestId } = caller
    if (body === undefined || id === null) {
      return respondJson(res, page.error.status, requestId, catwalkError(null, page.error, requestId))
    }
    respondJson(res, 200, requestId, visitFirst(page, visitorOf(req, caller, body), id, requestId))
  }

  /** Wakes the server for one request and hands it on. */
  async function wake(
    req: IncomingMessage,
    res: ServerResponse,
    caller: Caller,
    body: Buffer | undefined,
    id: string | null,
  ): Promise<void> {
    if (options.visit !== undefined) return refuseUnvisited(options.visit, [req, res, caller], body, id)
    const gone = new AbortController()
    const abort = (): void => gone.abort()
    res.once('close', abort)
    const alive = setInterval(() => {
      // A notification is answered by a status alone, so only whoever waits for a message can be kept waiting.
      if (id === null || res.destroyed) return
      startStream(res, caller.requestId)
      res.write(SSE_KEEP_ALIVE)
    }, keepAliveMs)
    inbound.bytes += body?.length ?? 0
    try {
      const endpoint = await options.wake(gone.signal)
      if (!res.destroyed) endpoint.handle(req, res, caller, body)
    } catch (error) {
      if (gone.signal.aborted) return
      const known =
        error instanceof CatwalkError ? error : new CatwalkError('internal', 'The server did not start.')
      const text = catwalkError(id, known, caller.requestId)
      if (res.headersSent) {
        writeEvent(res, text)
        res.end()
      } else respondJson(res, 503, caller.requestId, text, RETRY_AFTER)
    } finally {
      inbound.bytes -= body?.length ?? 0
      clearInterval(alive)
      res.off('close', abort)
    }
  }

  function open(res: ServerResponse, caller: Caller, body: Buffer, envelope: Envelope, id: string): boolean {
    const params = paramsOf(body, envelope)
    const { protocolVersion, capabilities, clientInfo } = params
    if (typeof protocolVersion !== 'string' || !isObject(capabilities) || !isObject(clientInfo)) return false
    const recorded = recordedFor('legacy', capabilities)
    if (recorded === null) return false
    if (options.stateful && options.visit === undefined) return false
    const { version, result } = initializeResult(recorded, protocolVersion)
    const token = sealSession(sealer, {
      id: randomBytes(16).toString('base64url'),
      issuedAt: Math.floor(clock.now().getTime() / 1000),
      deploymentId,
      subject: caller.subject,
      bridge,
      version,
      clientInfo,
      capabilities,
    })
    respondJson(res, 200, caller.requestId, resultText(id, result), ['mcp-session-id', token])
    return true
  }

  async function setLevel(
    res: ServerResponse,
    caller: Caller,
    claims: SessionClaims,
    level: string,
    id: string,
  ): Promise<void> {
    try {
      const subscriptions = (await memory.recall(claims.id))?.subscriptions ?? []
      await memory.keep(claims.id, { level, subscriptions }, new Date(expiryOf(claims)))
      respondJson(res, 200, caller.requestId, resultText(id, {}))
    } catch (error) {
      const known = error instanceof CatwalkError ? error : new CatwalkError('internal', 'It was not kept.')
      respondJson(res, 503, caller.requestId, catwalkError(id, known, caller.requestId), RETRY_AFTER)
    }
  }

  /** Answers a message of a legacy client; false when the server is needed for it. */
  function answerLegacy(
    req: IncomingMessage,
    res: ServerResponse,
    caller: Caller,
    body: Buffer,
    envelope: Envelope,
  ): boolean {
    const version = req.headers['mcp-protocol-version']
    if (version !== undefined && (typeof version !== 'string' || !isLegacyVersion(version))) return false
    const method = textOf(body, envelope.method) ?? ''
    const id = envelope.id === null ? null : lettersOf(body, envelope.id)
    if (method === 'initialize') return id !== null && open(res, caller, body, envelope, id)
    const claims = sessionOf(req, caller)
    if (claims === null) return false
    if (id === null) {
      if (method !== 'notifications/initialized') return false
      respondEmpty(res, 202, caller.requestId)
      return true
    }
    if (method === 'ping') {
      respondJson(res, 200, caller.requestId, resultText(id, {}))
      return true
    }
    // As the client declared them, in JSON.
    const recorded = recordedFor('legacy', claims.capabilities as JsonObject)
    if (recorded === null) return false
    const params = paramsOf(body, envelope)
    if (method === 'logging/setLevel') {
      const { level } = params
      if (!('logging' in recorded.capabilities) || typeof level !== 'string' || !isLogLevel(level))
        return false
      void setLevel(res, caller, claims, level, id)
      return true
    }
    if (!isListed(method) || params['cursor'] !== undefined) return false
    const result = listed(recorded, method)
    const text = result === null ? notFound(id) : resultText(id, result)
    respondJson(res, 200, caller.requestId, text)
    return true
  }

  /** Answers a request of a modern client; false when the server is needed for it. */
  function answerModern(
    req: IncomingMessage,
    res: ServerResponse,
    caller: Caller,
    body: Buffer,
    envelope: Envelope,
  ): boolean {
    const request = checkRequest(null, req, body, envelope)
    if ('code' in request || manifest.era === undefined) return false
    const { id, method } = request
    const recorded = recordedFor('modern', objectAt(body, envelope.metaCapabilities))
    if (method === 'server/discover') {
      respondJson(res, 200, caller.requestId, resultText(id, discoverResult(recorded ?? manifest)))
      return true
    }
    if (recorded === null) return false
    const params = paramsOf(body, envelope)
    if (method === 'subscriptions/listen') return listen(req, res, caller, body, params['notifications'], id)
    if (!isListed(method) || params['cursor'] !== undefined) return false
    const result = listed(recorded, method)
    if (result === null) respondJson(res, 404, caller.requestId, notFound(id))
    else respondJson(res, 200, caller.requestId, resultText(id, modernResult(result, recorded)))
    return true
  }

  /** Acknowledges a subscription to lists and holds it; one to resources needs the server. */
  function listen(
    req: IncomingMessage,
    res: ServerResponse,
    caller: Caller,
    body: Buffer,
    wanted: JsonObject[string] | undefined,
    id: string,
  ): boolean {
    if (!isObject(wanted) || !acceptsEvents(req.headers.accept)) return false
    const uris = wanted['resourceSubscriptions']
    if (uris !== undefined && !(Array.isArray(uris) && uris.length === 0)) return false
    const notifications = announced(manifest, wanted)
    if (Object.keys(notifications).length === 0 || streams.count >= DEFAULT_LIMITS.maxListeners) return false
    streams.hold({ req, res, caller, body })
    markAcknowledged(res)
    const params = `{"_meta":{"${META_KEYS.subscription}":${id}},"notifications":${JSON.stringify(notifications)}}`
    const acknowledged = `{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":${params}}`
    writeEvent(res, acknowledged)
    options.onHeld?.()
    return true
  }

  /** The bridge tells sessions by itself when it goes on with them. */
  function tellChanges(res: ServerResponse, body: Buffer): void {
    const found = scan(body, { maxDepth: DEFAULT_LIMITS.maxDepth, trusted: true })
    if ('length' in found || found.id === null) return
    const wanted = paramsOf(body, found)['notifications']
    if (!isObject(wanted)) return
    const meta = `{"${META_KEYS.subscription}":${lettersOf(body, found.id)}}`
    for (const method of changesOf(announced(manifest, wanted)))
      writeEvent(res, `{"jsonrpc":"2.0","method":"${method}","params":{"_meta":${meta}}}`)
  }

  /** One message that the manifest may answer; anything unusual is for the bridge to judge. */
  function answer(req: IncomingMessage, res: ServerResponse, caller: Caller, body: Buffer): void {
    let envelope: Envelope
    try {
      const found = scan(body, { maxDepth: DEFAULT_LIMITS.maxDepth, trusted: false })
      if ('length' in found) return void wake(req, res, caller, body, null)
      envelope = found
    } catch {
      return void wake(req, res, caller, body, null)
    }
    const kind = messageKind(body, envelope)
    const id = kind === 'request' && envelope.id !== null ? lettersOf(body, envelope.id) : null
    const method = textOf(body, envelope.method) ?? ''
    const isPlain =
      (kind === 'request' || kind === 'notification') &&
      isJsonRpc2(body, envelope) &&
      (kind === 'notification' || mayRequest(caller.scope ?? 'full', method))
    if (!isPlain) return void wake(req, res, caller, body, id)
    const report = reporterOf(caller, body, envelope)
    const refused = kind === 'request' ? refusal(body, envelope) : null
    if (refused !== null && id !== null) {
      respondJson(res, 200, caller.requestId, catwalkError(id, refused, caller.requestId))
      return report?.('error')
    }
    const version = req.headers['mcp-protocol-version']
    const isModern =
      envelope.metaVersion !== null || (typeof version === 'string' && isModernVersion(version))
    const answered =
      isModern && kind === 'request'
        ? answerModern(req, res, caller, body, envelope)
        : !isModern && answerLegacy(req, res, caller, body, envelope)
    if (!answered) return void wake(req, res, caller, body, id)
    if (kind === 'request') report?.('ok')
  }

  function get(req: IncomingMessage, res: ServerResponse, caller: Caller): void {
    const claims = sessionOf(req, caller)
    const last = req.headers['last-event-id']
    const isSessions = last === undefined || new RegExp(`\\.${LISTEN_STREAM}\\.\\d+$`).test(String(last))
    const version = req.headers['mcp-protocol-version']
    const isSpoken = version === undefined || LEGACY_VERSIONS.some((known) => known === version)
    if (claims === null || !isSpoken || !acceptsEvents(req.headers.accept)) {
      return claims === null && req.headers['mcp-session-id'] !== undefined
        ? refuse(
            res,
            404,
            caller.requestId,
            RPC.sessionNotFound,
            'Session not found. Start again with "initialize".',
          )
        : refuse(res, 400, caller.requestId, RPC.serverError, 'Mcp-Session-Id or Accept is missing or wrong.')
    }
    if (!isSessions) {
      const text = 'Last-Event-ID is not known, or too old to go on from.'
      return refuse(res, 400, caller.requestId, RPC.serverError, text)
    }
    streams.hold({ req, res, caller, body: null })
    options.onHeld?.()
  }

  function end(req: IncomingMessage, res: ServerResponse, caller: Caller): void {
    const claims = sessionOf(req, caller)
    if (claims === null) {
      return refuse(res, 404, caller.requestId, RPC.sessionNotFound, 'Session not found.')
    }
    void memory
      .end(claims.id, new Date(expiryOf(claims)))
      .then(() => respondEmpty(res, 200, caller.requestId))
  }

  return {
    get holding() {
      return streams.count
    },
    hold(held) {
      for (const stream of held) streams.hold(stream)
    },
    release: () => streams.release(),
    handOver(endpoint) {
      for (const { req, res, caller, body } of streams.release()) {
        if (body !== null) tellChanges(res, body)
        endpoint.handle(req, res, caller, body ?? undefined)
      }
    },
    handle(req, res, caller, given) {
      if (given !== undefined) return answer(req, res, caller, given)
      if (req.method === 'GET') return get(req, res, caller)
      if (req.method === 'DELETE') return end(req, res, caller)
      const isRead =
        req.method === 'POST' && acceptsAnswers(req.headers.accept) && isJsonType(req.headers['content-type'])
      if (!isRead) return void wake(req, res, caller, undefined, null)
      res.on('error', () => undefined)
      readBody(req, options.maxMessageBytes, inbound, MAX_INBOUND_BYTES, (body) => {
        if (typeof body !== 'string') return answer(req, res, caller, body)
        const status = body === 'too_large' ? 413 : 503
        if (body !== 'gone')
          refuse(res, status, caller.requestId, RPC.serverError, 'The message is too large right now.', [
            'connection',
            'close',
          ])
      })
    },
  }
}

function expiryOf(claims: SessionClaims): number {
  return claims.issuedAt * 1000 + DEFAULT_LIMITS.sessionMaxAgeMs
}

function paramsOf(body: Buffer, { params }: Envelope): JsonObject {
  return objectAt(body, params)
}

function objectAt(body: Buffer, span: Envelope['params']): JsonObject {
  if (span === null) return {}
  const value: unknown = JSON.parse(body.toString('utf8', span.start, span.end))
  return isObject(value) ? value : {}
}

/** A response in latin1 letters, as the bridge writes them: the id in its own letters. */
function resultText(id: string, result: JsonObject): string {
  return `{"jsonrpc":"2.0","id":${id},"result":${Buffer.from(JSON.stringify(result)).toString('latin1')}}`
}

function notFound(id: string): ReturnType<typeof rpcError> {
  return rpcError(id, RPC.methodNotFound, 'Method not found')
}
