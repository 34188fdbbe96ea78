import { queries } from '../db/index.ts'
import { endInstance } from './adopt.ts'
import { deploy } from './deploy.ts'
import { plan } from './plan.ts'
import { discardSleeping } from './discard.ts'
import { record, type Work } from './record.ts'
import { serve } from './serve.ts'

/** Does the one next step for a deployment. Safe to be killed anywhere and to be repeated. */
export async function reconcile(work: Work): Promise<void> {
  const { deps, lease, deployment } = work
  const newest = await queries.newestRelease(deps.db, deployment.id)
  const running = deps.instances.get(deployment.id)
  const step = plan({
    desired: deployment.desired,
    restartCount: deployment.restart_count,
    newest,
    liveReleaseId: deployment.live_release_id,
    asleep: deployment.asleep,
    alwaysOn: deployment.always_on,
    failures: deployment.failures,
    running: running ?? null,
  })
  switch (step.kind) {
    case 'remove':
      return remove(work)
    case 'halt':
      return halt(work)
    case 'deploy':
      return deploy(work, newest)
    case 'serve':
      return serve(
        work,
        step.releaseId === newest.id ? newest : await queries.findRelease(deps.db, step.releaseId),
      )
    case 'rest':
      if (running !== undefined) deps.instances.retune(running, deployment)
      return record(work, null, async (tx) => {
        if (running === undefined) await queries.dropLease(tx, lease)
      })
    default:
      return step satisfies never
  }
}

async function halt(work: Work): Promise<void> {
  const { deps, lease, deployment } = work
  await endInstance(deps, deps.instances.get(deployment.id))
  await discardSleeping(work, null)
  await record(work, null, async (tx) => {
    await queries.deleteInstances(tx, lease)
    await queries.dropLease(tx, lease)
  })
}

async function remove(work: Work): Promise<void> {
  const { deps, lease, deployment, signal } = work
  await endInstance(deps, deps.instances.get(deployment.id))
  await deps.checkpoint('deployment.removing')
  // Wherever its releases ran.
  for (const runtime of deps.runtimes.values())
    await runtime.purge(deployment.id, signal, deployment.workspace_id)
  await deps.logs.flush()
  await record(work, 'unchanged', (tx) => queries.deleteDeployment(tx, lease))
  deps.logger.info({ deployment: deployment.id, slug: deployment.slug }, 'deployment deleted')
}
