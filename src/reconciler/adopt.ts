import { queries } from '../db/index.ts'
import { CatwalkError, isCrashLooping, type Instance, type InstanceEnd } from '../domain/index.ts'
import type { ReconcilerDependencies } from './dependencies.ts'
import type { Running } from './instances.ts'
import { backOffMs } from './plan.ts'
import { record, tell, type Work } from './record.ts'

// An instance that answered for this long was healthy; its end does not count with earlier failures.
const HEALTHY_MS = 60_000

/**
 * Makes a probed instance the one that answers: in the database with `writes`, then in memory. The one it replaces is
 * ended, and its own end will be noticed.
 */
export async function adopt(
  work: Work,
  instance: Instance,
  releaseId: string,
  writes: (tx: queries.Handle) => Promise<void>,
): Promise<void> {
  const { deps, lease, deployment } = work
  const running: Running = {
    instance,
    lease,
    deployment,
    releaseId,
    restartCount: deployment.restart_count,
    readyAt: performance.now(),
  }
  // Of a release that is live already, whoever waits for it need not wait for the record as well.
  const previous =
    deployment.live_release_id === releaseId ? deps.instances.put(deployment.id, running) : null
  try {
    await record(work, null, async (tx) => {
      await writes(tx)
      await queries.markInstance(tx, instance.id, 'ready')
      if (deployment.asleep) await queries.setAsleep(tx, lease, false)
    })
  } catch (error) {
    if (previous !== null) deps.instances.restore(running, previous)
    await instance.stop(0)
    throw error
  }
  const replaced = previous === null ? deps.instances.put(deployment.id, running) : previous
  void instance.ended.then((end) => noteEnd(work, running, end))
  if (replaced !== undefined) deps.hold(deployment.id, replaced.instance.release())
  await endInstance(deps, replaced)
}

/** Ends an instance of this node and forgets it. */
export async function endInstance(
  deps: ReconcilerDependencies,
  running: Running | undefined,
  graceMs = deps.graceMs,
): Promise<void> {
  if (running === undefined) return
  deps.instances.remove(running.lease.deploymentId, running.instance.id)
  await running.instance.stop(graceMs)
  await queries.deleteInstance(deps.db, running.instance.id)
}

async function noteEnd(work: Work, running: Running, end: InstanceEnd): Promise<void> {
  const { deps, lease } = work
  deps.instances.remove(lease.deploymentId, running.instance.id)
  deps.metrics.instanceEnded({ reason: end.reason })
  if (end.reason === 'stopped') return
  const lived = performance.now() - running.readyAt
  try {
    const { failures, generation } = await queries.fence(deps.db, lease)
    // The generation of now, not that of the start: a later look must not be taken for an unseen wish.
    const current: Work = { ...work, deployment: { ...work.deployment, generation } }
    await countFailure(
      current,
      running.releaseId,
      describeEnd(end),
      lived >= HEALTHY_MS ? 1 : failures + 1,
      end,
      running.instance.id,
    )
  } catch (error) {
    if (error instanceof queries.LeaseLost) return
    deps.logger.error(
      { err: error, instance: running.instance.id },
      'an ended instance could not be recorded',
    )
  }
}

/**
 * Records that an instance of the live release ended or did not come up, and when it is tried again.
 * @param instanceId the one that had answered; null when none came up
 * @param wasSilent whether it was ended because it did not answer
 */
export async function countFailure(
  work: Work,
  releaseId: string,
  message: string,
  failures: number,
  end: InstanceEnd | null,
  instanceId: string | null = null,
  wasSilent = false,
): Promise<void> {
  const isLast = isCrashLooping({ hasLiveRelease: true, failures })
  await record(work, isLast ? null : backOffMs(failures), async (tx) => {
    await queries.setFailures(tx, work.lease, failures)
    await tell(tx, work, releaseId, 'instance.ended', message, {
      exitCode: end?.exitCode ?? null,
      signal: end?.signal ?? null,
      failures,
      isLast,
      wasSilent,
    })
    if (instanceId !== null) await queries.deleteInstance(tx, instanceId)
    if (isLast) await queries.dropLease(tx, work.lease)
  })
  // One that has answered is likely to do so again: who came in the meantime waits for the next start.
  if (instanceId !== null && !isLast) return
  work.deps.instances.fail(
    work.lease.deploymentId,
    new CatwalkError('wake_failed', 'The server could not be started.'),
  )
}

function describeEnd(end: InstanceEnd): string {
  if (end.reason === 'out_of_memory') return 'It ran out of memory.'
  if (end.reason === 'home_full') return 'It was ended because its home takes more than it may.'
  if (end.signal !== null) return `It was ended by ${end.signal}.`
  return `It ended with exit code ${end.exitCode ?? 'unknown'}.`
}
