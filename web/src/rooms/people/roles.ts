import type { Role } from '../../api/client.ts'

export const ROLES = ['viewer', 'member', 'admin', 'owner'] as const satisfies readonly Role[]

export const ROLE_WORDS: Readonly<Record<Role, string>> = {
  viewer: 'Viewer',
  member: 'Member',
  admin: 'Admin',
  owner: 'Owner',
}

/** Whether somebody with a role may give that one. */
export function mayGive(own: Role, role: Role): boolean {
  return ROLES.indexOf(role) <= ROLES.indexOf(own)
}
