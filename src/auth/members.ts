import type { Handle } from '../db/index.ts'
import type { Role } from '../domain/index.ts'

export interface Membership {
  readonly workspaceId: string
  readonly role: Role
  readonly isInstallationAdmin: boolean
}

/** The workspace that a person works in: the first one joined. Null for somebody who is in none (any more). */
export async function membershipOf(db: Handle, userId: string): Promise<Membership | null> {
  const row = await db
    .selectFrom('members')
    .innerJoin('users', 'users.id', 'members.user_id')
    .select(['members.workspace_id', 'members.role', 'users.is_installation_admin'])
    .where('members.user_id', '=', userId)
    .orderBy('members.created_at')
    .orderBy('members.workspace_id')
    .executeTakeFirst()
  if (row === undefined) return null
  return {
    workspaceId: row.workspace_id,
    role: row.role,
    isInstallationAdmin: row.is_installation_admin,
  }
}
