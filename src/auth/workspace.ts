import { sql, type Kysely } from 'kysely'
import type { DB } from '../db/index.ts'
import { newId } from '../domain/index.ts'

/**
 * Id of the installation's first workspace; makes it at the first start. It has no member until the set-up link makes
 * its owner.
 */
export async function ensureWorkspace(database: Kysely<DB>): Promise<string> {
  return database.transaction().execute(async (tx) => {
    // Replicas that start together must not make two.
    await sql`select pg_advisory_xact_lock(hashtext('catwalk.first_workspace'))`.execute(tx)
    const first = await tx
      .selectFrom('workspaces')
      .select('id')
      .orderBy('created_at')
      .orderBy('id')
      .limit(1)
      .executeTakeFirst()
    if (first !== undefined) return first.id
    const id = newId('workspace')
    await tx.insertInto('workspaces').values({ id, name: 'Personal', personal: true }).execute()
    return id
  })
}
