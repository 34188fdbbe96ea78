import { CatwalkError } from '../domain/index.ts'
import type { BridgeCore } from './context.ts'
import { SHARED_INTRODUCTION, shakeHands } from './handshake.ts'
import type { Launch, ServerProcess } from './server-process.ts'
import type { Session } from './session.ts'
import { createUpstream, type Handshake, type Received, type Upstream } from './upstream.ts'

/** The server processes of one bridge. */
export interface Pool {
  /** Serves every session that needs none of its own. */
  readonly shared: Upstream
  /** The shared process's handshake. Rejects with CatwalkError. */
  readonly ready: Promise<Handshake>
  readonly own: ReadonlySet<Upstream>
  /**
   * Starts a process for one session, at the cost of the one that has been idle longest when there are too many.
   * @throws CatwalkError `unavailable` when all are busy, and whatever the launch throws
   */
  startOwn(): Promise<Upstream>
  /** Ends a process of one session; the session may get another one. */
  retire(upstream: Upstream, graceMs: number): Promise<void>
}

/** A process that was used this recently is not taken from its session for another one. */
const SETTLED_MS = 30_000
const RETIRE_GRACE_MS = 2000

export interface PoolOptions {
  /** The process that was launched with the bridge; it becomes the shared one. */
  readonly first: ServerProcess
  readonly launch: Launch
  readonly received: Received
  /** The process of a session ended by itself, and what the session was with it. */
  readonly crashed: (session: Session) => void
}

export function createPool(context: BridgeCore, options: PoolOptions): Pool {
  const { limits, output } = context
  const { launch, received } = options
  const own = new Set<Upstream>()
  const aborter = new AbortController()
  let starting = 0

  const adopt = (process: ServerProcess, isShared: boolean) =>
    createUpstream(process, { shared: isShared, limits, output, received })

  const shared = adopt(options.first, true)
  const ready = shakeHands(shared, SHARED_INTRODUCTION, never)
  // Whoever needs the handshake awaits it; until then a failure is nobody's.
  ready.catch(() => undefined)
  void shared.gone.finally(() => aborter.abort())

  async function retire(upstream: Upstream, graceMs: number): Promise<void> {
    own.delete(upstream)
    if (upstream.session?.upstream === upstream) upstream.session.upstream = null
    upstream.session = null
    await upstream.stop(graceMs)
  }

  async function watch(upstream: Upstream): Promise<void> {
    await upstream.gone
    own.delete(upstream)
    // A retired one has no session any more.
    if (upstream.session !== null) options.crashed(upstream.session)
  }

  function makeRoom(): void {
    if (own.size + starting < limits.maxOwnProcesses) return
    let idlest: Upstream | null = null
    for (const upstream of own) {
      if (upstream.calls.size > 0 || context.now - usedAt(upstream) < SETTLED_MS) continue
      if (idlest === null || usedAt(upstream) < usedAt(idlest)) idlest = upstream
    }
    if (idlest === null) {
      throw new CatwalkError('unavailable', 'All processes of this server are busy with other sessions.')
    }
    void retire(idlest, RETIRE_GRACE_MS)
  }

  return {
    shared,
    ready,
    own,
    async startOwn() {
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
    },
    retire,
  }
}

/** The shared handshake has no time limit of its own: those who wait for it do. */
const never = new AbortController().signal

function usedAt(upstream: Upstream): number {
  return upstream.session?.usedAt ?? 0
}
