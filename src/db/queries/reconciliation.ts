import { sql } from 'kysely'
import { canMove, pinsOf, type Manifest, type ReleaseState } from '../../domain/index.ts'
import type { Handle } from './handle.ts'
import type { Lease } from './leases.ts'
import type { ReleaseFailure, ReleaseRow } from './releases.ts'

/** Moves a release on; the caller has fenced. Throws for a step that the lifecycle does not have. */
export async function moveRelease(
  tx: Handle,
  release: Pick<ReleaseRow, 'id' | 'state'>,
  to: ReleaseState,
  extra: { readonly error?: ReleaseFailure } = {},
): Promise<void> {
  if (!canMove(release.state, to)) throw new Error(`a release cannot go from ${release.state} to ${to}`)
  const result = await tx
    .updateTable('releases')
    .set({ state: to, ...(extra.error === undefined ? {} : { error: JSON.stringify(extra.error) }) })
    .where('id', '=', release.id)
    .where('state', '=', release.state)
    .executeTakeFirst()
  if (result.numUpdatedRows !== 1n) throw new Error(`release ${release.id} is no longer ${release.state}`)
}

/** Ends the progress of releases that a newer one has overtaken. */
export async function supersedeOlder(
  tx: Handle,
  release: Pick<ReleaseRow, 'deployment_id' | 'number'>,
): Promise<void> {
  await tx
    .updateTable('releases')
    .set({ state: 'superseded' })
    .where('deployment_id', '=', release.deployment_id)
    .where('number', '<', release.number)
    .where('state', 'in', ['pending', 'installing', 'starting', 'probing'])
    .execute()
}

/** Keeps the lock file that the first installation made. */
export async function saveLockFile(tx: Handle, releaseId: string, lockFile: string): Promise<void> {
  await tx.updateTable('releases').set({ lock_file: lockFile }).where('id', '=', releaseId).execute()
}

/** Makes a probed release the one that serves; the former one is superseded in the same transaction. */
export async function markLive(
  tx: Handle,
  lease: Lease,
  releaseId: string,
  manifest: Manifest,
): Promise<void> {
  await tx
    .updateTable('releases')
    .set({ state: 'superseded' })
    .where('deployment_id', '=', lease.deploymentId)
    .where('state', '=', 'live')
    .execute()
  await tx
    .updateTable('releases')
    .set({
      state: 'live',
      live_at: sql`now()`,
      manifest: JSON.stringify(manifest),
      tool_pins: JSON.stringify(pinsOf(manifest.tools)),
    })
    .where('id', '=', releaseId)
    .execute()
  await tx
    .updateTable('deployments')
    .set({ live_release_id: releaseId, failures: 0, asleep: false })
    .where('id', '=', lease.deploymentId)
    .execute()
}

/** Keeps what the server of a live release offers by now. */
export async function saveSeenManifest(tx: Handle, releaseId: string, manifest: Manifest): Promise<void> {
  await tx
    .updateTable('releases')
    .set({ seen_manifest: JSON.stringify(manifest) })
    .where('id', '=', releaseId)
    .execute()
}

/** Records an instance before it is started, and where its data will be. */
export async function insertInstance(
  tx: Handle,
  lease: Lease,
  row: {
    readonly id: string
    readonly workspace_id: string
    readonly release_id: string
    readonly restart_count: number
  },
): Promise<void> {
  await tx
    .insertInto('instances')
    .values({
      ...row,
      deployment_id: lease.deploymentId,
      node_id: lease.nodeId,
      epoch: String(lease.epoch),
      state: 'starting',
    })
    .execute()
  await tx
    .updateTable('deployments')
    .set({ home_node: lease.nodeId })
    .where('id', '=', lease.deploymentId)
    .where('runtime', 'in', ['local', 'docker'])
    .execute()
}

/** Records whether an instance answers. */
export async function markInstance(
  tx: Handle,
  instanceId: string,
  state: 'ready' | 'unhealthy',
): Promise<void> {
  await tx.updateTable('instances').set({ state }).where('id', '=', instanceId).execute()
}

/** Records that a deployment is without an instance until somebody calls it, or that it no longer is. */
export async function setAsleep(tx: Handle, lease: Lease, asleep: boolean): Promise<void> {
  await tx.updateTable('deployments').set({ asleep }).where('id', '=', lease.deploymentId).execute()
}

/** Forgets an instance that has ended. */
export async function deleteInstance(tx: Handle, instanceId: string): Promise<void> {
  await tx.deleteFrom('instances').where('id', '=', instanceId).execute()
}

/** Forgets what holders of earlier epochs left behind. */
export async function deleteStaleInstances(tx: Handle, lease: Lease): Promise<void> {
  await tx
    .deleteFrom('instances')
    .where('deployment_id', '=', lease.deploymentId)
    .where('epoch', '<', String(lease.epoch))
    .execute()
}

/** Forgets every instance of a deployment, of this epoch too. */
export async function deleteInstances(tx: Handle, lease: Lease): Promise<void> {
  await tx.deleteFrom('instances').where('deployment_id', '=', lease.deploymentId).execute()
}

/** Deletes a deployment with all that hangs on it; credentials went before. */
export async function deleteDeployment(tx: Handle, lease: Lease): Promise<void> {
  await tx
    .updateTable('deployments')
    .set({ live_release_id: null })
    .where('id', '=', lease.deploymentId)
    .execute()
  await tx.deleteFrom('deployments').where('id', '=', lease.deploymentId).execute()
}
