import { queries } from '../db/index.ts'
import { anySignal, CatwalkError } from '../domain/index.ts'
import { countFailure, endInstance } from './adopt.ts'
import type { ReconcilerDependencies } from './dependencies.ts'
import type { Running } from './instances.ts'
import { record, tell, type Work } from './record.ts'

/** Signs of life in a row that an instance may owe. */
const MISSED = 2
/** An instance that works on calls may be too busy to answer; it is shown as unhealthy, and ended after this time. */
const BUSY_MS = 300_000

/** Looks after one running instance between its steps: health checks, and sleep when nobody calls. */
export interface Tender {
  /** Does what is due for it now, if anything. */
  look(running: Running): void
  /** Resolves when a deployment is not just falling asleep. */
  settled(deploymentId: string): Promise<void>
  /** Deployments that are just falling asleep. */
  falling(): Iterable<string>
  /** Resolves when nothing is under way. */
  end(): Promise<void>
}

interface Health {
  checkedAt: number
  missed: number
  silentSince: number | null
  checking: boolean
}

/** Its owner wants something that was not looked at yet. */
class WantedOtherwise extends Error {}

export function createTender(
  deps: ReconcilerDependencies,
  isActive: (deploymentId: string) => boolean,
  signal: AbortSignal,
): Tender {
  const asleep = new Map<string, Promise<void>>()
  const health = new WeakMap<Running, Health>()
  const underWay = new Set<Promise<void>>()

  function idleTimeoutMs({ deployment }: Running): number {
    if (deployment.always_on) return Infinity
    const own = deployment.idle_timeout_s
    if (own !== null) return own * 1000
    return deps.idleTimeoutMs === 0 ? Infinity : deps.idleTimeoutMs
  }

  function isIdle(running: Running): boolean {
    const idle = running.instance.idleMs()
    return idle !== null && idle >= idleTimeoutMs(running)
  }

  function workOn(running: Running): Work {
    return { deps, lease: running.lease, deployment: running.deployment, signal }
  }

  async function fallAsleep(running: Running): Promise<void> {
    const { instance, lease } = running
    const { deploymentId } = lease
    // From here on calls wait, and wake it again once it sleeps.
    deps.instances.remove(deploymentId, instance.id)
    try {
      await deps.checkpoint('deployment.sleeping')
      const work = workOn(running)
      await record(work, null, async (tx) => {
        const { generation } = await queries.fence(tx, lease)
        if (generation !== running.deployment.generation) throw new WantedOtherwise()
        await queries.setAsleep(tx, lease, true)
        await queries.deleteInstance(tx, instance.id)
        await queries.dropLease(tx, lease)
        await tell(tx, work, running.releaseId, 'instance.asleep', 'Asleep, because nobody called.')
      })
    } catch (error) {
      if (!(error instanceof queries.LeaseLost)) {
        // The database is away, or its owner wants something: better awake than in doubt.
        deps.instances.put(deploymentId, running)
        if (error instanceof WantedOtherwise) return
        return deps.logger.warn({ err: error, deployment: deploymentId }, 'it could not be put to sleep')
      }
    }
    deps.hold(deploymentId, instance.release())
    await (instance.suspend?.(deps.graceMs) ?? instance.stop(deps.graceMs))
  }

  function stateOf(running: Running): Health {
    const known = health.get(running)
    if (known !== undefined) return known
    const fresh = { checkedAt: performance.now(), missed: 0, silentSince: null, checking: false }
    health.set(running, fresh)
    return fresh
  }

  async function check(running: Running, state: Health): Promise<void> {
    const { instance, lease } = running
    try {
      await instance.check(anySignal([signal, AbortSignal.timeout(deps.healthTimeoutMs)]))
      state.missed = 0
      if (state.silentSince === null) return
      state.silentSince = null
      await mark(running, 'ready', 'It answers again.')
    } catch (error) {
      const code = error instanceof CatwalkError ? error.code : null
      const isSilent = code === 'server_silent' || code === 'remote_unavailable'
      // Its end is noticed by itself, and whatever else it says is a sign of life.
      if (!isSilent || signal.aborted) return
      state.missed++
      if (state.missed < MISSED || deps.instances.get(lease.deploymentId) !== running) return
      const isBusy = instance.idleMs() === null
      const since = (state.silentSince ??= performance.now())
      // Somebody else has to start what is away elsewhere; the way to it finds it again by itself.
      const isOurs = code !== 'remote_unavailable'
      if (isOurs && (!isBusy || performance.now() - since > BUSY_MS)) return replace(running)
      if (state.missed === MISSED) await mark(running, 'unhealthy', 'It does not answer its health check.')
    } finally {
      state.checkedAt = performance.now()
      state.checking = false
    }
  }

  async function mark(running: Running, state: 'ready' | 'unhealthy', message: string): Promise<void> {
    const work = workOn(running)
    await record(work, 'unchanged', async (tx) => {
      await queries.markInstance(tx, running.instance.id, state)
      const kind = state === 'ready' ? 'instance.ready' : 'instance.silent'
      await tell(tx, work, running.releaseId, kind, message)
    })
  }

  /** A server that answers nothing any more is started again, as if it had ended. */
  async function replace(running: Running): Promise<void> {
    const { failures, generation } = await queries.fence(deps.db, running.lease)
    const work = workOn(running)
    await endInstance(deps, running, 0)
    await countFailure(
      { ...work, deployment: { ...work.deployment, generation } },
      running.releaseId,
      'It did not answer its health check and was ended.',
      failures + 1,
      null,
      null,
      true,
    )
  }

  function start(work: Promise<void>, deploymentId: string): Promise<void> {
    const done = work
      .catch((error: unknown) => {
        if (error instanceof queries.LeaseLost) return
        deps.logger.warn({ err: error, deployment: deploymentId }, 'an instance could not be looked after')
      })
      .finally(() => underWay.delete(done))
    underWay.add(done)
    return done
  }

  return {
    look(running) {
      const { deploymentId } = running.lease
      if (isActive(deploymentId) || asleep.has(deploymentId)) return
      if (isIdle(running)) {
        const done = start(fallAsleep(running), deploymentId).finally(() => asleep.delete(deploymentId))
        asleep.set(deploymentId, done)
        return
      }
      const state = stateOf(running)
      if (state.checking || performance.now() - state.checkedAt < deps.healthEveryMs) return
      state.checking = true
      void start(check(running, state), deploymentId)
    },
    settled: async (deploymentId) => asleep.get(deploymentId),
    falling: () => asleep.keys(),
    async end() {
      await Promise.allSettled(underWay)
    },
  }
}
