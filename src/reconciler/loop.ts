import { queries } from '../db/index.ts'
import { CatwalkError, type RuntimeKind } from '../domain/index.ts'
import { endInstance } from './adopt.ts'
import type { ReconcilerDependencies } from './dependencies.ts'
import { createSlots } from './slots.ts'
import { createTender } from './tend.ts'
import { wakeElsewhere } from './wake-elsewhere.ts'
import { reconcile } from './work.ts'

const RENEW_MS = 8000
// After a node without a database has begun to end its instances, they have this long until another may take over.
const END_WITHIN_MS = 30_000
// So long must this node have heard the database all the while before it takes another for gone.
const SOUND_MS = 16_000
const LONGEST_SLEEP_MS = 5000
const AFTER_ERROR_MS = 2000
/**
 * Deployments that are worked on at the same time. Those of each kind have places of their own: a service elsewhere that
 * does not answer is waited for, and keeps nobody waiting who needs the processors of this machine.
 */
const PLACES: readonly { readonly runtimes: readonly RuntimeKind[]; readonly atOnce: number }[] = [
  { runtimes: ['local', 'docker'], atOnce: 4 },
  { runtimes: ['fly', 'kubernetes', 'remote'], atOnce: 16 },
]
/** Sleeping deployments that are started for calls at the same time. */
const WAKES_AT_ONCE = 8
const TEND_MS = 1000

/** Drives every deployment that this node holds or can take from what is to what should be. */
export interface Reconciler extends AsyncDisposable {
  /** Something changed: look now. Also ends work on a deployment that its owner wants otherwise by now. */
  poke(deploymentId: string | null): void
}

type Claim = NonNullable<Awaited<ReturnType<typeof queries.claimDueDeployment>>>

interface Active {
  readonly generation: number
  readonly epoch: number
  readonly controller: AbortController
  readonly done: Promise<void>
  /** Of what kind it takes a place; null for what a call woke, which has places of its own. */
  readonly takes: RuntimeKind | null
}

/**
 * Starts the loop. It is level-triggered: it looks at what is due, does one step, and looks again; notifications only
 * make it look sooner. Disposing aborts the work, ends this node's instances and gives its leases back.
 */
export function startReconciler(deps: ReconcilerDependencies): Reconciler {
  const active = new Map<string, Active>()
  /** Sleeping deployments whose lease is just being taken for a call. */
  const waking = new Set<string>()
  const ending = new AbortController()
  const { signal: ended } = ending
  let looking: Promise<void> | null = null
  let lookAgain = false
  let timer: NodeJS.Timeout | undefined
  let renewedAt = performance.now()
  /** Since when every renewal has succeeded, and in time. */
  let soundSince = performance.now()
  const tender = createTender(deps, (deploymentId) => active.has(deploymentId), ended)
  const tending = setInterval(
    () => {
      for (const running of deps.instances.all()) tender.look(running)
    },
    Math.min(TEND_MS, deps.healthEveryMs),
  )
  const wakes = createSlots(WAKES_AT_ONCE)
  deps.instances.onWanted((deploymentId) => void wake(deploymentId))
  const leaseSeconds = (deps.staleAfterMs + END_WITHIN_MS) / 1000
  const renewal = setInterval(() => {
    if (performance.now() - renewedAt > deps.staleAfterMs) void letGo(new Map())
    void renew()
  }, RENEW_MS)

  function look(): void {
    if (ended.aborted) return
    if (looking !== null) lookAgain = true
    else looking = takeWhatIsDue()
  }

  async function takeWhatIsDue(): Promise<void> {
    clearTimeout(timer)
    let sleepMs = LONGEST_SLEEP_MS
    try {
      do {
        lookAgain = false
        while (!ended.aborted && (await claim())) {
          // claim() starts the work; the loop goes on until nothing is due or all places are taken.
        }
      } while (lookAgain && !ended.aborted)
      const dueMs = await queries.nextDueInMs(deps.db, deps.nodeId, busy(), withRoom())
      sleepMs = Math.min(sleepMs, dueMs ?? sleepMs)
    } catch (error) {
      deps.logger.error({ err: error }, 'the reconciler could not look for work')
      sleepMs = AFTER_ERROR_MS
    }
    looking = null
    // Asked again in the meantime: the answer above may be outdated.
    if (!ended.aborted) timer = setTimeout(look, lookAgain ? 0 : Math.max(10, sleepMs))
  }

  async function claim(): Promise<boolean> {
    const runtimes = withRoom()
    if (runtimes.length === 0) return false
    const claimed = await queries.claimDueDeployment(deps.db, deps.nodeId, leaseSeconds, busy(), runtimes)
    // Taken while the program began to stop: leaveNode() gives it back.
    if (claimed === null || ended.aborted) return false
    // Asked for before a call began to wake it: the same lease, and in good hands.
    const { id } = claimed.deployment
    if (!active.has(id) && !waking.has(id)) void start(claimed, claimed.deployment.runtime)
    return true
  }

  const busy = (): string[] => [...active.keys(), ...waking, ...tender.falling()]

  function withRoom(): readonly RuntimeKind[] {
    const taken = [...active.values()].map(({ takes }) => takes)
    return PLACES.filter(
      ({ runtimes, atOnce }) => taken.filter((one) => one !== null && runtimes.includes(one)).length < atOnce,
    ).flatMap(({ runtimes }) => runtimes)
  }

  function start({ lease, deployment }: Claim, takes: RuntimeKind | null): Promise<void> {
    const controller = new AbortController()
    const work = { deps, lease, deployment, signal: controller.signal }
    const done = reconcile(work)
      .catch((error: unknown) => recover(work, error))
      .finally(() => {
        active.delete(deployment.id)
        look()
      })
    active.set(deployment.id, {
      generation: deployment.generation,
      epoch: lease.epoch,
      controller,
      done,
      takes,
    })
    return done
  }

  /** Somebody waits for an instance. Starts one here if it sleeps; what is being started anyway is left alone. */
  async function wake(deploymentId: string): Promise<void> {
    try {
      await tender.settled(deploymentId)
      await active.get(deploymentId)?.done
      await wakes.run(async () => {
        if (ended.aborted || active.has(deploymentId) || deps.instances.get(deploymentId) !== undefined)
          return
        waking.add(deploymentId)
        let done: Promise<void> | null = null
        try {
          const claimed = await queries.claimSleeping(deps.db, deps.nodeId, leaseSeconds, deploymentId)
          if (claimed === null) await wakeElsewhere(deps, deploymentId)
          else if (!ended.aborted) done = start(claimed, null)
        } finally {
          waking.delete(deploymentId)
          // It was left out of what is due while we asked.
          if (done === null) look()
        }
        await done
      })
    } catch (error) {
      deps.logger.error({ err: error, deployment: deploymentId }, 'it could not be woken')
      const message = 'Catwalk cannot start the server right now.'
      deps.instances.fail(deploymentId, new CatwalkError('unavailable', message))
    }
  }

  async function recover(work: Parameters<typeof reconcile>[0], error: unknown): Promise<void> {
    if (work.signal.aborted || error instanceof queries.LeaseLost) return
    deps.logger.error({ err: error, deployment: work.deployment.id }, 'a step failed and will be repeated')
    try {
      await queries.scheduleNext(deps.db, work.lease, work.deployment.generation, AFTER_ERROR_MS)
    } catch {
      // The database is away; look() waits before it asks again.
    }
  }

  async function recheck(deploymentId: string): Promise<void> {
    const work = active.get(deploymentId)
    if (work === undefined) return
    try {
      const generation = await queries.currentGeneration(deps.db, deploymentId)
      if (generation !== work.generation) work.controller.abort(new Error('the owner wants something else'))
    } catch (error) {
      deps.logger.warn({ err: error, deployment: deploymentId }, 'a change could not be looked at')
    }
  }

  async function renew(): Promise<void> {
    // What is taken while the leases are read is not among those that are held.
    const before = { works: [...active], instances: deps.instances.all() }
    const busyBefore = busy()
    try {
      const held = await queries.renewLeases(deps.db, deps.nodeId, leaseSeconds)
      if (performance.now() - renewedAt > 2 * RENEW_MS) soundSince = performance.now()
      renewedAt = performance.now()
      await letGo(held, before)
      await takeUpAgain([...held.keys()], busyBefore)
      if (performance.now() - soundSince > SOUND_MS) await noteLostNodes()
    } catch (error) {
      soundSince = performance.now()
      deps.logger.warn({ err: error }, 'leases could not be renewed')
    }
  }

  async function noteLostNodes(): Promise<void> {
    for (const node of await queries.noteLostNodes(deps.db, deps.nodeId)) {
      deps.logger.warn({ node }, 'another node is not heard any more')
    }
  }

  /** Of what this node holds, starts what has no instance and of which nothing is written: it ended while the database was away. */
  async function takeUpAgain(held: readonly string[], busyBefore: readonly string[]): Promise<void> {
    const inHand = new Set([...busyBefore, ...busy()])
    const missing = held.filter((id) => !inHand.has(id) && deps.instances.get(id) === undefined)
    if (missing.length > 0 && (await queries.takeUpAgain(deps.db, deps.nodeId, missing))) look()
  }

  /** Ends all work and instances whose leases, by deployment and epoch, are not among `held`. */
  async function letGo(
    held: ReadonlyMap<string, number>,
    { works, instances } = { works: [...active], instances: deps.instances.all() },
  ): Promise<void> {
    for (const [id, { controller, epoch }] of works) {
      if (held.get(id) !== epoch) controller.abort(new Error('the lease is lost'))
    }
    const lost = instances.filter(({ lease }) => held.get(lease.deploymentId) !== lease.epoch)
    await Promise.allSettled(lost.map((running) => endInstance(deps, running)))
  }

  look()
  return {
    poke(deploymentId) {
      if (deploymentId !== null) void recheck(deploymentId)
      look()
    },
    async [Symbol.asyncDispose]() {
      ending.abort()
      clearTimeout(timer)
      clearInterval(renewal)
      clearInterval(tending)
      await looking
      await tender.end()
      for (const { controller } of active.values()) controller.abort(new Error('the program stops'))
      await Promise.allSettled([...active.values()].map(({ done }) => done))
      await Promise.allSettled(deps.instances.all().map((running) => endInstance(deps, running)))
      await queries.leaveNode(deps.db, deps.nodeId).catch((error: unknown) => {
        deps.logger.warn({ err: error }, 'leases could not be given back')
      })
    },
  }
}
