import { CatwalkError, type JsonObject, type ServerEra } from '../../domain/index.ts'
import { LATEST_LEGACY } from '../../protocol/index.ts'
import type { BridgeCore } from '../context.ts'
import { describeEnd } from './describe-end.ts'
import { OURSELVES, shakeHands } from './handshake.ts'
import type { Launch, ServerProcess } from './server-process.ts'
import type { Session } from '../sessions/session.ts'
import { createSharedProcesses, type SharedProcesses } from './shared-processes.ts'
import { createUpstream, type Received, type Upstream } from './upstream.ts'

/** The server processes of one bridge. */
export interface Pool {
  /** Serve every client that needs none of its own. */
  readonly shared: SharedProcesses
  readonly own: ReadonlySet<Upstream>
  /**
   * Starts a process for one session, at the cost of the one that has been idle longest when there are too many.
   * @throws CatwalkError `unavailable` when all are busy, and whatever the launch throws
   */
  startOwn(): Promise<Upstream>
  /**
   * A legacy process that was told of these capabilities, for one call of the modern era at a time. What it says by
   * itself afterwards can only reach calls of the same subject. Waits for a while when all are busy.
   * @throws CatwalkError like {@link Pool.startOwn}, and when the server does not answer the handshake
   */
  borrow(subject: string, capabilities: JsonObject): Promise<Upstream>
  /** A borrowed process is free for the next call. */
  giveBack(upstream: Upstream): void
  /** Ends a process of one session or call; the session may get another one. */
  retire(upstream: Upstream, graceMs: number): Promise<void>
  /** Ends what has been idle for long and belongs to no session. */
  reap(): void
  all(): Iterable<Upstream>
}

/** A process that was used this recently is not taken from its session for another one. */
const SETTLED_MS = 30_000
const RETIRE_GRACE_MS = 2000

export interface PoolOptions {
  /** The process that was launched with the bridge. */
  readonly first: ServerProcess
  readonly launch: Launch
  readonly era: ServerEra | null
  readonly received: Received
  /** The process of a session ended by itself, and what the session was with it. */
  readonly crashed: (session: Session) => void
}

export function createPool(context: BridgeCore, options: PoolOptions): Pool {
  const { limits, output } = context
  const { launch, received } = options
  const own = new Set<Upstream>()
  /** Borrowed processes that nobody uses now, since when. */
  const free = new Map<Upstream, number>()
  /** Calls that wait for a process. */
  const waiters: (() => void)[] = []
  const aborter = new AbortController()
  let starting = 0

  const adopt = (process: ServerProcess, isShared: boolean) =>
    createUpstream(process, { shared: isShared, limits, output, received })

  const shared = createSharedProcesses({
    first: adopt(options.first, true),
    launch: async () => adopt(await launch(aborter.signal), true),
    era: options.era,
    goesOn(end) {
      if (!own.values().some(({ session, calls }) => session !== null || calls.size > 0)) return false
      output('system', `${describeEnd(end, true).message} Sessions with processes of their own go on.`)
      return true
    },
    signal: aborter.signal,
  })
  void shared.ended.finally(() => aborter.abort())

  async function retire(upstream: Upstream, graceMs: number): Promise<void> {
    own.delete(upstream)
    free.delete(upstream)
    waiters.shift()?.()
    if (upstream.session?.upstream === upstream) upstream.session.upstream = null
    upstream.session = null
    await upstream.stop(graceMs)
  }

  async function watch(upstream: Upstream): Promise<void> {
    await upstream.gone
    own.delete(upstream)
    free.delete(upstream)
    // A retired one has no session any more.
    if (upstream.session !== null) options.crashed(upstream.session)
  }

  /** When it was used last; undefined while it must not be taken from whoever has it. */
  function idleSince(upstream: Upstream): number | undefined {
    if (upstream.lease !== null) return free.get(upstream)
    if (upstream.calls.size > 0 || upstream.tasks.underWay(context.now)) return undefined
    const usedAt = upstream.session?.usedAt ?? 0
    return context.now - usedAt < SETTLED_MS ? undefined : usedAt
  }

  function makeRoom(): void {
    if (own.size + starting < limits.maxOwnProcesses) return
    let idlest: Upstream | null = null
    let earliest = Infinity
    for (const upstream of own) {
      const since = idleSince(upstream)
      if (since === undefined || since >= earliest) continue
      idlest = upstream
      earliest = since
    }
    if (idlest === null) throw busy()
    void retire(idlest, RETIRE_GRACE_MS)
  }

  function hasRoom(): boolean {
    return (
      own.size + starting < limits.maxOwnProcesses ||
      own.values().some((upstream) => idleSince(upstream) !== undefined)
    )
  }

  function takeFree(lease: string): Upstream | null {
    for (const upstream of free.keys()) {
      if (upstream.lease !== lease || !upstream.alive) continue
      free.delete(upstream)
      return upstream
    }
    return null
  }

  /** Resolves when a process may have become free, or after `ms`. */
  async function given(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, ms)
    waiters.push(resolve)
    await promise
    clearTimeout(timer)
  }

  async function startOwn(): Promise<Upstream> {
    makeRoom()
    starting++
    try {
      const upstream = adopt(await launch(aborter.signal), false)
      own.add(upstream)
      void watch(upstream)
      return upstream
    } finally {
      starting--
    }
  }

  return {
    shared,
    own,
    startOwn,
    async borrow(subject, capabilities) {
      const lease = leaseOf(subject, capabilities)
      const until = performance.now() + limits.borrowMs
      let upstream: Upstream | null
      while ((upstream = takeFree(lease)) === null && !hasRoom()) {
        const waitMs = until - performance.now()
        if (waitMs <= 0) throw busy()
        await given(waitMs)
      }
      if (upstream !== null) return upstream
      upstream = await startOwn()
      upstream.lease = lease
      upstream.told = capabilities
      try {
        const introduction = { version: LATEST_LEGACY, clientInfo: OURSELVES, capabilities }
        await shakeHands(upstream, introduction, AbortSignal.timeout(limits.handshakeMs))
        return upstream
      } catch (error) {
        void retire(upstream, 0)
        throw error
      }
    },
    giveBack(upstream) {
      if (own.has(upstream) && upstream.alive) free.set(upstream, context.now)
      waiters.shift()?.()
    },
    retire,
    reap() {
      for (const [upstream, since] of free) {
        if (context.now - since > limits.ownIdleMs) void retire(upstream, RETIRE_GRACE_MS)
      }
    },
    *all() {
      yield* shared.all()
      yield* own
    },
  }
}

function busy(): CatwalkError {
  return new CatwalkError('unavailable', 'All processes of this server are busy with other sessions.')
}

function leaseOf(subject: string, capabilities: object): string {
  return JSON.stringify([subject, capabilities])
}
