import { queries } from '../db/index.ts'
import type { ReconcilerDependencies } from './dependencies.ts'

/** One claimed deployment, until it is as it should be or something changes. */
export interface Work {
  readonly deps: ReconcilerDependencies
  readonly lease: queries.Lease
  readonly deployment: queries.DeploymentRow
  /** Aborted when the owner wants something else, the lease is lost, or the program stops. */
  readonly signal: AbortSignal
}

/**
 * Runs writes under the lease and sets when to look again (null: only when something changes).
 * @throws LeaseLost when another node has the deployment by now
 */
export async function record(
  { deps, lease, deployment }: Work,
  nextInMs: number | null | 'unchanged',
  writes: (tx: queries.Handle) => Promise<void>,
): Promise<void> {
  await deps.db.transaction().execute(async (tx) => {
    await queries.fence(tx, lease)
    await writes(tx)
    if (nextInMs !== 'unchanged') await queries.scheduleNext(tx, lease, deployment.generation, nextInMs)
    await queries.announce(tx, 'deployment', deployment.id)
  })
}

/** Adds an event to the history of the deployment. */
export async function tell(
  tx: queries.Handle,
  { deployment }: Work,
  releaseId: string,
  kind: queries.EventKind,
  message: string,
  data: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await queries.insertEvent(tx, {
    workspaceId: deployment.workspace_id,
    deploymentId: deployment.id,
    releaseId,
    kind,
    message,
    data,
  })
}

/** Moves a release on and tells so. Returns the release as it is now. */
export async function advance(
  work: Work,
  release: queries.ReleaseRow,
  to: queries.ReleaseRow['state'],
  message: string,
  extra?: (tx: queries.Handle) => Promise<void>,
): Promise<queries.ReleaseRow> {
  await record(work, 'unchanged', async (tx) => {
    await queries.moveRelease(tx, release, to)
    await extra?.(tx)
    await tell(tx, work, release.id, 'release.state', message, { state: to })
  })
  return { ...release, state: to }
}
