import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  CatwalkError,
  systemClock,
  type Caller,
  type Clock,
  type Endpoint,
  type HeldStream,
  type InstanceEnd,
  type JsonObject,
  type LineSink,
  type SessionMemory,
  type ServerEra,
  type ToolDoor,
} from '../domain/index.ts'
import { createSealer, isModernVersion, RPC } from '../protocol/index.ts'
import { ask } from './processes/ask.ts'
import type { BridgeContext, BridgeCore } from './context.ts'
import { endSession, unsubscribe } from './sessions/end-session.ts'
import { OUR_META, type Era } from './processes/era.ts'
import { serverMessage } from './messages/from-server.ts'
import { endSubscriptions } from './messages/from-modern-server.ts'
import { handleDelete } from './http/handle-delete.ts'
import { handleGet } from './http/handle-get.ts'
import { handlePost } from './http/handle-post.ts'
import { isObject } from './processes/handshake.ts'
import { idleMs, ping } from './processes/idle.ts'
import { DEFAULT_LIMITS, type BridgeLimits } from './limits.ts'
import { endListener } from './translation/legacy-listeners.ts'
import { createModernSubscription } from './translation/modern-subscription.ts'
import { createPool } from './processes/pool.ts'
import { probe } from './processes/probe.ts'
import type { ProcessPolicy } from './processes/process-policy.ts'
import { createReplayBudget } from './http/replay-budget.ts'
import { refuse } from './http/respond.ts'
import type { Launch } from './processes/server-process.ts'
import { createSessionMemory } from './sessions/session-memory.ts'
import { createSessionStore } from './sessions/session-store.ts'
import { startSweeper } from './sessions/sweeper.ts'
import { createToolHeaders } from './http/tool-headers.ts'
import { tellListChanged } from './messages/tell-list-changed.ts'
import type { Upstream } from './processes/upstream.ts'

export interface BridgeOptions {
  /** Starts one process of the server. Called once by {@link createBridge}, then for sessions that need their own. */
  readonly launch: Launch
  /** 32 bytes under which session tokens are sealed; the same key lets sessions go on in the next bridge. */
  readonly sealKey: Buffer
  /** Tokens of one deployment are worth nothing at another. */
  readonly deploymentId: string
  /** Named in the tokens of sessions, where each node has a bridge of the deployment: they belong to this one. */
  readonly node?: string
  /** Gets what a server prints on stdout that is not MCP, and remarks of the bridge itself. Must not throw. */
  readonly output: LineSink
  readonly limits?: Partial<BridgeLimits>
  readonly clock?: Clock
  /** Which eras the server speaks, from {@link Bridge.probe} or {@link Bridge.era}; found out when left out. */
  readonly era?: ServerEra
  readonly processes?: ProcessPolicy
  /** Ends a session with the process that served it, instead of going on in another one. */
  readonly stateful?: boolean
  /** What the owner set for tools. Left out: everything passes as it is. */
  readonly tools?: ToolDoor
  /** What sessions leave behind; pass it on to the next bridge so that they go on, or stay ended. */
  readonly memory?: SessionMemory
}

/** The MCP side of one server: Streamable HTTP towards clients, stdio towards its processes. */
export interface Bridge extends Endpoint {
  /** Which eras the server speaks, as far as that was found out; null: nothing is known yet. */
  readonly era: ServerEra | null
  /**
   * Settles once the process that was started with the bridge has ended while no session had another one, or
   * {@link Bridge.stop} is done; no process is left then.
   */
  readonly ended: Promise<InstanceEnd>
  /** See {@link Instance.idleMs}. */
  idleMs(): number | null
  /** See {@link Instance.release}. */
  release(): readonly HeldStream[]
  /** See {@link Instance.forgetSessions}. */
  forgetSessions(): void
  /** See {@link Instance.check}. */
  check(signal: AbortSignal): Promise<void>
  /** Takes nothing new, lets calls in flight finish for at most `graceMs`, then ends all processes. Idempotent. */
  stop(graceMs: number): Promise<void>
}

const POLL_MS = 20
/** For a server to exit by itself once its stdin is closed. */
const EXIT_GRACE_MS = 2000

/**
 * Launches the server and opens the bridge to it. Resolves as soon as the process runs; the handshake goes on.
 * @throws CatwalkError whatever `launch` throws
 */
export async function createBridge(options: BridgeOptions, signal: AbortSignal): Promise<Bridge> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const clock = options.clock ?? systemClock
  const first = await options.launch(signal)
  const core: BridgeCore = {
    id: randomBytes(6).toString('base64url'),
    deploymentId: options.deploymentId,
    node: options.node ?? null,
    limits,
    clock,
    output: options.output,
    sealer: createSealer(options.sealKey, 'mcp session'),
    stateSealer: createSealer(options.sealKey, 'mcp request state'),
    holds: new Map(),
    listeners: new Set(),
    openStreams: new Map(),
    memory: options.memory ?? createSessionMemory(() => clock.now()),
    budget: createReplayBudget(limits.replayBytes),
    inbound: { bytes: 0 },
    processes: options.processes ?? 'auto',
    stateful: options.stateful ?? false,
    toolHeaders: createToolHeaders(),
    tools: options.tools ?? null,
    now: 0,
    usedAt: 0,
    stopping: false,
  }
  const sessions = createSessionStore(core)
  const pool = createPool(core, {
    first,
    era: options.era ?? null,
    launch: options.launch,
    received: (upstream, line, envelope, kind) => serverMessage(context, upstream, line, envelope, kind),
    crashed: (session) => void endSession(context, session),
  })
  const context: BridgeContext = Object.assign(core, {
    sessions,
    pool,
    subscription: createModernSubscription(core, sessions, pool.shared),
  })
  return openBridge(context)
}

function openBridge(context: BridgeContext): Bridge {
  const { pool, sessions } = context
  const stopSweeper = startSweeper(context)
  const unwatchTools = context.tools?.onChange(() => tellListChanged(context))
  let stopping: Promise<void> | null = null

  const ended = pool.shared.ended.then(async (end) => {
    context.stopping = true
    stopSweeper()
    unwatchTools?.()
    for (const session of sessions.all()) sessions.forget(session)
    await Promise.all([
      ...[...pool.own].map((upstream) => pool.retire(upstream, EXIT_GRACE_MS)),
      ...[...pool.shared.all()].map((upstream) => upstream.stop(EXIT_GRACE_MS)),
    ])
    return end
  })

  async function stop(graceMs: number): Promise<void> {
    context.stopping = true
    for (const session of sessions.all()) session.listen.finish()
    for (const listener of context.listeners) endListener(context, listener)
    context.subscription.close()
    for (const upstream of pool.shared.all()) endSubscriptions(upstream)
    for (const hold of context.holds.values()) if (hold.deadline !== Infinity) hold.expire()
    const deadline = performance.now() + graceMs
    const busy = () => [...pool.all()].some((upstream) => upstream.calls.size > 0)
    while (busy() && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    await Promise.all(
      [...pool.shared.all()].map((upstream) => upstream.stop(Math.min(graceMs, EXIT_GRACE_MS))),
    )
    pool.shared.finish()
    await ended
  }

  return {
    get era() {
      return eraOf(pool.shared.speaks)
    },
    ended,
    idleMs: () => idleMs(context),
    async check(signal) {
      const open = pool.shared.modern ?? pool.shared.legacy
      if (open?.alive === true) await ping(open, signal)
      else await within(context, openAny(context), signal)
    },
    stop: (graceMs) => (stopping ??= stop(graceMs)),
    release() {
      for (const session of sessions.all()) session.listen.release()
      const streams = [...context.openStreams.values()]
      context.openStreams.clear()
      return streams
    },
    forgetSessions() {
      for (const session of sessions.all()) {
        const { upstream } = session
        sessions.forget(session)
        if (upstream?.alive !== true) continue
        if (session.own) void pool.retire(upstream, EXIT_GRACE_MS)
        else for (const uri of session.subscriptions) unsubscribe(context, uri)
      }
    },
    handle(req, res, caller, body) {
      if (context.stopping || !pool.shared.available) {
        const text = 'The server is being stopped or restarted. Try again in a moment.'
        return refuse(res, 503, caller.requestId, RPC.serverError, text, ['retry-after', '1'])
      }
      dispatch(context, req, res, caller, body)
    },
    async request(method, params, caller, signal) {
      context.usedAt = context.now
      const upstream = await within(context, openAny(context), signal)
      const named = method === 'tools/call' ? withOwnName(context, params) : params
      const given = upstream.era === 'modern' ? { ...named, _meta: { ...OUR_META, ...metaOf(named) } } : named
      return ask(upstream, method, given, caller.subject, signal)
    },
    async probe(signal) {
      const upstream = await within(context, openAny(context), signal)
      return probe(upstream, await within(context, pool.shared.settle(), signal), signal)
    },
  }
}

function dispatch(
  context: BridgeContext,
  req: IncomingMessage,
  res: ServerResponse,
  caller: Caller,
  body: Buffer | undefined,
): void {
  // A client that resets its connection is no error of ours.
  res.on('error', () => undefined)
  const version = req.headers['mcp-protocol-version']
  if (req.method !== 'POST' && typeof version === 'string' && isModernVersion(version)) {
    const text = `Revision ${version} has POST only.`
    return refuse(res, 405, caller.requestId, RPC.serverError, text, ['allow', 'POST'])
  }
  switch (req.method ?? '') {
    case 'POST':
      return handlePost(context, req, res, caller, body)
    case 'GET':
      return handleGet(context, req, res, caller)
    case 'DELETE':
      return handleDelete(context, req, res, caller)
    default:
      refuse(res, 405, caller.requestId, RPC.serverError, 'Use POST, GET or DELETE.', [
        'allow',
        'GET, POST, DELETE',
      ])
  }
}

/** A process for requests of our own, of the era that is open already. */
async function openAny({ pool: { shared } }: BridgeContext): Promise<Upstream> {
  const open = shared.modern ?? shared.legacy
  if (open?.alive === true) return open
  const upstream = (await shared.open('modern')) ?? (await shared.open('legacy'))
  if (upstream === null)
    throw new CatwalkError('server_not_mcp', 'The server speaks no revision that we know.')
  return upstream
}

/** @throws CatwalkError `server_not_mcp` or `server_silent` when `signal` fires first */
async function within<T>(context: BridgeContext, promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const late = Promise.withResolvers<never>()
  const giveUp = () => {
    late.reject(
      context.pool.shared.primary.strayLines > 0
        ? new CatwalkError('server_not_mcp', 'The server printed text, but nothing that is MCP.')
        : new CatwalkError('server_silent', 'The server did not answer "initialize" in time.'),
    )
  }
  if (signal.aborted) giveUp()
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

function eraOf({ legacy, modern }: Readonly<Record<Era, boolean | null>>): ServerEra | null {
  if (legacy === true) return modern === true ? 'dual' : 'legacy'
  return modern === true ? 'modern' : null
}

/** @throws CatwalkError when the owner does not want the tool to be called */
function withOwnName({ tools }: BridgeContext, params: JsonObject): JsonObject {
  const { name } = params
  if (tools === null || tools.rules === null || typeof name !== 'string') return params
  const own = tools.rules.enter(name)
  if (typeof own !== 'string') throw own
  return { ...params, name: own }
}

function metaOf(params: JsonObject): JsonObject {
  const { _meta: meta } = params
  return isObject(meta) ? meta : {}
}
