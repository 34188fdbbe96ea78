import { sql } from 'kysely'
import { announce, CHANNEL } from './announce.ts'
import { insertEvent } from './events.ts'
import type { Handle } from './handle.ts'
import { NODE_GONE_SECONDS } from './leases.ts'

/** Says that the node is there, in its row and through the channel, so that it hears itself. */
export async function heartbeat(db: Handle, nodeId: string): Promise<void> {
  await sql`
    with beat as (update nodes set heartbeat_at = now(), lost_at = null where id = ${nodeId})
    select pg_notify(${CHANNEL}, 'heartbeat')`.execute(db)
}

/** Where a node is reached, or null for one that was not heard of for a while. */
export async function nodeAddress(db: Handle, nodeId: string): Promise<string | null> {
  const row = await db
    .selectFrom('nodes')
    .select('address')
    .where('id', '=', nodeId)
    .where('heartbeat_at', '>', sql<Date>`now() - make_interval(secs => ${NODE_GONE_SECONDS})`)
    .executeTakeFirst()
  return row?.address ?? null
}

/** Whether any other node is there that takes calls. */
export async function hasOtherNodes(db: Handle, nodeId: string): Promise<boolean> {
  const { rows } = await sql`
    select from nodes
    where id <> ${nodeId} and address is not null
      and heartbeat_at > now() - make_interval(secs => ${NODE_GONE_SECONDS})
    limit 1`.execute(db)
  return rows.length > 0
}

/**
 * Has other nodes send nothing here any more, because this one is about to stop: calls for what still runs here wait there
 * for whoever starts it next.
 */
export async function withdrawNode(db: Handle, nodeId: string): Promise<void> {
  await sql`
    with gone as (update nodes set address = null where id = ${nodeId} returning id)
    select pg_notify(${CHANNEL}, 'deployment:' || deployment_id)
    from (select distinct i.deployment_id from instances i join gone on gone.id = i.node_id) as told`.execute(
    db,
  )
}

/**
 * Tells, once, of nodes that are not heard any more without having said that they stop, in the history of what ran there.
 * For a node that has itself been heard all the while.
 * @returns the nodes
 */
export async function noteLostNodes(db: Handle, nodeId: string): Promise<readonly string[]> {
  return db.transaction().execute(async (tx) => {
    const { rows: lost } = await sql<{ id: string }>`
      update nodes set lost_at = now()
      where id <> ${nodeId} and lost_at is null and heartbeat_at > 'epoch'::timestamptz
        and heartbeat_at < now() - make_interval(secs => ${NODE_GONE_SECONDS})
      returning id`.execute(tx)
    const ids = lost.map(({ id }) => id)
    if (ids.length === 0) return ids
    const { rows } = await sql<{
      id: string
      workspace_id: string
      release_id: string
      node: string
      waits: boolean
    }>`
      select distinct on (d.id) d.id, d.workspace_id, i.release_id, i.node_id as node,
        d.keeps_data and d.home_node is not distinct from i.node_id as waits
      from instances i join deployments d on d.id = i.deployment_id
      where i.node_id = any (${ids}::text[]) and d.desired = 'running'
      order by d.id, i.started_at desc`.execute(tx)
    for (const { id, workspace_id: workspaceId, release_id: releaseId, node, waits } of rows) {
      const then = waits
        ? 'It starts again when that machine, which has its data, is back.'
        : 'Another one takes over.'
      await insertEvent(tx, {
        workspaceId,
        deploymentId: id,
        releaseId,
        kind: 'node.lost',
        message: `The machine that ran it was not heard for ${NODE_GONE_SECONDS} s. ${then}`,
        data: { node },
      })
      await announce(tx, 'deployment', id)
    }
    return ids
  })
}

/** Whether the database answers a question right now. */
export async function answers(db: Handle): Promise<boolean> {
  try {
    await sql`select 1`.execute(db)
    return true
  } catch {
    return false
  }
}
