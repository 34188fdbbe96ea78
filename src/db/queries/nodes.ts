import { sql } from 'kysely'
import { CHANNEL } from './announce.ts'
import type { Handle } from './handle.ts'

/** Says that the node is there, in its row and through the channel, so that it hears itself. */
export async function heartbeat(db: Handle, nodeId: string): Promise<void> {
  await sql`
    with beat as (update nodes set heartbeat_at = now() where id = ${nodeId})
    select pg_notify(${CHANNEL}, 'heartbeat')`.execute(db)
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
