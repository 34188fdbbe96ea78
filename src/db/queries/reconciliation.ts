import { sql } from 'kysely'
import {
  canMove,
  pinsOf,
  withPins,
  type Manifest,
  type ReleaseState,
  type ToolPins,
} from '../../domain/index.ts'
import type { Handle } from './handle.ts'
import { LeaseLost, type Lease } from './leases.ts'
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
  // What came with an import, besides what it offers itself.
  const { tool_pins: before } = await tx
    .selectFrom('releases')
    .select('tool_pins')
    .where('id', '=', releaseId)
    .executeTakeFirstOrThrow()
  // Written by setToolPins() alone.
  const merged = withPins(pinsOf(manifest.tools), before as ToolPins | null)
  await tx
    .updateTable('releases')
    .set({
      state: 'live',
      live_at: sql`now()`,
      manifest: JSON.stringify(manifest),
      tool_pins: JSON.stringify(merged),
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

/**
 * Records an instance before it is started, and where its data will be, and forgets those of former epochs: in one
 * statement, because a caller waits for it.
 * @throws LeaseLost
 */
export async function insertInstance(
  db: Handle,
  lease: Lease,
  row: {
    readonly id: string
    readonly workspace_id: string
    readonly release_id: string
    readonly restart_count: number
  },
): Promise<void> {
  const { deploymentId, nodeId, epoch } = lease
  const { rows } = await sql`
    with held as (
      select id, runtime, home_node from deployments
      where id = ${deploymentId} and lease_holder = ${nodeId} and lease_epoch = ${epoch}
      for update
    ), stale as (
      delete from instances i using held h where i.deployment_id = h.id and i.epoch < ${epoch}
    ), homed as (
      update deployments d set home_node = ${nodeId} from held h
      where d.id = h.id and h.runtime in ('local', 'docker') and h.home_node is distinct from ${nodeId}
    )
    insert into instances (id, workspace_id, release_id, restart_count, deployment_id, node_id, epoch, state)
    select
      ${row.id}, ${row.workspace_id}, ${row.release_id}, ${row.restart_count}::int, h.id, ${nodeId}, ${epoch}::bigint, 'starting'
    from held h
    returning id`.execute(db)
  if (rows.length === 0) throw new LeaseLost(lease)
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
