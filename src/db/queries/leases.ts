import { sql, type RawBuilder } from 'kysely'
import type { RuntimeKind } from '../../domain/index.ts'
import { announce, CHANNEL } from './announce.ts'
import type { Handle } from './handle.ts'
import type { DeploymentRow } from './deployments.ts'

/** Which holder may write what is about a deployment. A lease that was lost has a smaller epoch than the row. */
export interface Lease {
  readonly deploymentId: string
  readonly nodeId: string
  readonly epoch: number
}

/** A write came too late: another node holds the lease, or the deployment is gone. */
export class LeaseLost extends Error {
  constructor(lease: Lease) {
    super(`node ${lease.nodeId} no longer holds epoch ${lease.epoch} of ${lease.deploymentId}`)
    this.name = 'LeaseLost'
  }
}

/** A node that was not heard for this long is taken for gone. It says that it is there every 5 seconds. */
export const NODE_GONE_SECONDS = 30

/**
 * Whether a node may hold a deployment at all: what is kept on another machine cannot run here. If that one is gone,
 * it can still be stopped and deleted.
 */
function mayRunOn(nodeId: string): RawBuilder<boolean> {
  return sql<boolean>`(
    home_node is null or home_node = ${nodeId} or not keeps_data
    or (desired <> 'running' and not exists (
      select from nodes n
      where n.id = home_node and n.heartbeat_at > now() - make_interval(secs => ${NODE_GONE_SECONDS})
    ))
  )`
}

/**
 * Takes the lease of one deployment that is due, or whose holder is gone, or null. A lease of this node's own goes on with its epoch; any
 * other gets the next one, so that whatever the former holder still writes is refused.
 * @param busy deployments that this node works on right now
 * @param runtimes what this node has time for
 */
export async function claimDueDeployment(
  db: Handle,
  nodeId: string,
  leaseSeconds: number,
  busy: readonly string[],
  runtimes: readonly RuntimeKind[],
): Promise<{ lease: Lease; deployment: DeploymentRow } | null> {
  const { rows } = await sql<DeploymentRow & { lease_epoch: string }>`
    update deployments d set
      lease_epoch = d.lease_epoch + case when d.lease_holder = ${nodeId} and d.lease_expires_at > now() then 0 else 1 end,
      lease_holder = ${nodeId},
      lease_expires_at = now() + make_interval(secs => ${leaseSeconds})
    where d.id = (
      select id from deployments
      where id <> all (${busy}::text[]) and runtime = any (${runtimes}::text[]) and (
          (next_at <= now() and (lease_holder is null or lease_holder = ${nodeId}))
          or (lease_holder <> ${nodeId} and lease_expires_at <= now())
        ) and ${mayRunOn(nodeId)}
      order by next_at nulls first
      for update skip locked
      limit 1
    )
    returning d.*`.execute(db)
  const [row] = rows
  if (row === undefined) return null
  return {
    lease: { deploymentId: row.id, nodeId, epoch: Number(row.lease_epoch) },
    deployment: row,
  }
}

/**
 * Wakes a sleeping deployment and takes its lease in one step, or null when it does not sleep any more, should not run or
 * may not run on this node.
 */
export async function claimSleeping(
  db: Handle,
  nodeId: string,
  leaseSeconds: number,
  deploymentId: string,
): Promise<{ lease: Lease; deployment: DeploymentRow } | null> {
  const { rows } = await sql<DeploymentRow & { lease_epoch: string }>`
    update deployments d set
      asleep = false,
      -- Until it runs: whoever starts it may be interrupted.
      next_at = now(),
      lease_epoch = d.lease_epoch + 1,
      lease_holder = ${nodeId},
      lease_expires_at = now() + make_interval(secs => ${leaseSeconds})
    where d.id = ${deploymentId} and asleep and desired = 'running'
      and (lease_holder is null or lease_expires_at <= now()) and ${mayRunOn(nodeId)}
    returning d.*`.execute(db)
  const [row] = rows
  if (row === undefined) return null
  return { lease: { deploymentId: row.id, nodeId, epoch: Number(row.lease_epoch) }, deployment: row }
}

/**
 * Asks whoever may run a sleeping deployment to start it. `node_lost`: the only node that may is gone. `awake`: it does
 * not sleep any more.
 */
export async function wakeElsewhere(
  db: Handle,
  deploymentId: string,
): Promise<'asked' | 'awake' | 'node_lost'> {
  const { rows } = await sql<{ lost: boolean }>`
    with found as (
      select d.id, d.home_node is not null and d.runtime = 'local' and d.keeps_data and not exists (
        select from nodes n
        where n.id = d.home_node and n.heartbeat_at > now() - make_interval(secs => ${NODE_GONE_SECONDS})
      ) as lost
      from deployments d where d.id = ${deploymentId} and d.asleep and d.desired = 'running'
    ), woken as (
      update deployments d set asleep = false, next_at = now() from found f
      where d.id = f.id and d.asleep and not f.lost returning d.id
    ), told as (select pg_notify(${CHANNEL}, 'deployment:' || id) from woken)
    select f.lost from found f left join told on true`.execute(db)
  const [row] = rows
  if (row === undefined) return 'awake'
  return row.lost ? 'node_lost' : 'asked'
}

/** Milliseconds until the next deployment that is not `busy` is due, null when none is. For a timer, not a decision. */
export async function nextDueInMs(
  db: Handle,
  nodeId: string,
  busy: readonly string[],
  runtimes: readonly RuntimeKind[],
): Promise<number | null> {
  const { rows } = await sql<{ ms: number | null }>`
    select extract(epoch from min(
      case when lease_holder = ${nodeId} then next_at else greatest(next_at, lease_expires_at) end
    ) - clock_timestamp())::float8 * 1000 as ms
    from deployments
    where id <> all (${busy}::text[]) and runtime = any (${runtimes}::text[]) and ${mayRunOn(nodeId)}`.execute(
    db,
  )
  return rows[0]?.ms ?? null
}

/** Which generation a deployment is at, null when it is gone. */
export async function currentGeneration(db: Handle, deploymentId: string): Promise<number | null> {
  const row = await db
    .selectFrom('deployments')
    .select('generation')
    .where('id', '=', deploymentId)
    .executeTakeFirst()
  return row?.generation ?? null
}

/** Prolongs every lease of the node and says which it holds, with their epochs. */
export async function renewLeases(
  db: Handle,
  nodeId: string,
  leaseSeconds: number,
): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .updateTable('deployments')
    .set({ lease_expires_at: sql`now() + make_interval(secs => ${leaseSeconds})` })
    .where('lease_holder', '=', nodeId)
    .where('lease_expires_at', '>', sql<Date>`now()`)
    .returning(['id', 'lease_epoch'])
    .execute()
  return new Map(rows.map((row) => [row.id, Number(row.lease_epoch)]))
}

/**
 * Makes due what the node holds and should run, though nothing of it is planned: its instance is gone, and that could not
 * be written. False when there was nothing.
 */
export async function takeUpAgain(db: Handle, nodeId: string, ids: readonly string[]): Promise<boolean> {
  const rows = await db
    .updateTable('deployments')
    .set({ next_at: sql<Date>`now()` })
    .where('id', 'in', ids)
    .where('lease_holder', '=', nodeId)
    .where('desired', '=', 'running')
    .where('asleep', '=', false)
    .where('next_at', 'is', null)
    .where('live_release_id', 'is not', null)
    .returning('id')
    .execute()
  return rows.length > 0
}

/**
 * Locks the deployment for a write of the lease's holder.
 * @throws LeaseLost when the lease is no longer this one
 */
export async function fence(tx: Handle, lease: Lease): Promise<DeploymentRow> {
  const row = await tx
    .selectFrom('deployments')
    .selectAll()
    .where('id', '=', lease.deploymentId)
    .where('lease_holder', '=', lease.nodeId)
    .where('lease_epoch', '=', String(lease.epoch))
    .forUpdate()
    .executeTakeFirst()
  if (row === undefined) throw new LeaseLost(lease)
  return row
}

/**
 * When the deployment is to be looked at again: in so many milliseconds, or only when something changes (null). At once
 * when the owner wanted something since `generation`.
 */
export async function scheduleNext(
  tx: Handle,
  lease: Lease,
  generation: number,
  delayMs: number | null,
): Promise<void> {
  const later = delayMs === null ? sql`null` : sql`now() + make_interval(secs => ${delayMs / 1000})`
  await tx
    .updateTable('deployments')
    .set({ next_at: sql<Date>`case when generation = ${generation} then ${later} else now() end` })
    .where('id', '=', lease.deploymentId)
    .execute()
}

/** Lets any node take the deployment from now on; for a holder that has no instance of it left. */
export async function dropLease(tx: Handle, lease: Lease): Promise<void> {
  await tx
    .updateTable('deployments')
    .set({ lease_holder: null, lease_expires_at: null })
    .where('id', '=', lease.deploymentId)
    .where('lease_holder', '=', lease.nodeId)
    .where('lease_epoch', '=', String(lease.epoch))
    .execute()
}

/** Counts a failure in a row, or starts counting anew. */
export async function setFailures(tx: Handle, lease: Lease, failures: number): Promise<void> {
  await tx.updateTable('deployments').set({ failures }).where('id', '=', lease.deploymentId).execute()
}

/**
 * Begins a run of this node, which others reach at `address`. Whatever a former run held is given up, since its processes
 * are gone: everything of it is due now, under a higher epoch, or when it is called if it starts `lazily`.
 */
export async function enterNode(db: Handle, nodeId: string, address: string, lazily = false): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await tx
      .insertInto('nodes')
      .values({ id: nodeId, address })
      .onConflict((conflict) =>
        conflict
          .column('id')
          .doUpdateSet({ address, started_at: sql<Date>`now()`, heartbeat_at: sql<Date>`now()` }),
      )
      .execute()
    await giveUp(tx, nodeId)
    if (lazily) await sleepThrough(tx, nodeId)
  })
}

/**
 * What ran on this machine before a restart of the program starts when it is called again, not all at once: it sleeps.
 */
async function sleepThrough(tx: Handle, nodeId: string): Promise<void> {
  await sql`
    update deployments d set asleep = true, next_at = null
    where d.home_node = ${nodeId} and d.runtime = 'local' and d.desired = 'running' and not d.always_on
      and d.lease_holder is null and d.failures = 0 and d.live_release_id = (
        select r.id from releases r where r.deployment_id = d.id order by r.number desc limit 1
      )`.execute(tx)
}

/** Ends a run of this node in order: other nodes may take its deployments at once. */
export async function leaveNode(db: Handle, nodeId: string): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await giveUp(tx, nodeId)
    await tx
      .updateTable('nodes')
      .set({ heartbeat_at: new Date(0) })
      .where('id', '=', nodeId)
      .execute()
  })
}

async function giveUp(tx: Handle, nodeId: string): Promise<void> {
  const gone = await tx
    .deleteFrom('instances')
    .where('node_id', '=', nodeId)
    .returning('deployment_id')
    .execute()
  const free = await tx
    .updateTable('deployments')
    .set((set) => ({
      lease_holder: null,
      lease_expires_at: null,
      lease_epoch: set('lease_epoch', '+', '1'),
      next_at: sql<Date>`now()`,
    }))
    .where('lease_holder', '=', nodeId)
    .returning('id')
    .execute()
  const changed = new Set([...gone.map((row) => row.deployment_id), ...free.map(({ id }) => id)])
  for (const id of changed) await announce(tx, 'deployment', id)
}
