import { sql } from 'kysely'
import { CHANNEL } from './announce.ts'
import type { Handle } from './handle.ts'
import { NODE_GONE_SECONDS } from './leases.ts'

/** Says that the node is there, in its row and through the channel, so that it hears itself. */
export async function heartbeat(db: Handle, nodeId: string): Promise<void> {
  await sql`
    with beat as (update nodes set heartbeat_at = now() where id = ${nodeId})
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

/** Whether the database answers a question right now. */
export async function answers(db: Handle): Promise<boolean> {
  try {
    await sql`select 1`.execute(db)
    return true
  } catch {
    return false
  }
}
