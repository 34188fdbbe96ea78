import type { Handle } from '../db/index.ts'
import type { Role } from '../domain/index.ts'

export interface Membership {
  readonly workspaceId: string
  readonly role: Role
}

/** The workspace that a person works in: the first one joined. Null for somebody who is in none (any more). */
export async function membershipOf(db: Handle, userId: string): Promise<Membership | null> {
  const row = await db
    .selectFrom('members')
    .select(['workspace_id', 'role'])
    .where('user_id', '=', userId)
    .orderBy('created_at')
    .orderBy('workspace_id')
    .executeTakeFirst()
  return row === undefined ? null : { workspaceId: row.workspace_id, role: row.role }
}
