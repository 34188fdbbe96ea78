export type Role = 'viewer' | 'member' | 'admin' | 'owner'

const RANK: Readonly<Record<Role, number>> = { viewer: 0, member: 1, admin: 2, owner: 3 }

/** Who acts, in which workspace, with which role. */
export interface Actor {
  readonly kind: 'user' | 'api_key' | 'system'
  /** User id, key id, or the name of the part of the program. */
  readonly id: string
  /** For people: an email address or the key's name. */
  readonly label: string
  readonly workspaceId: string
  readonly role: Role
  /** Whether this one may also do what concerns the whole installation: keys, doctor, settings for all. */
  readonly isInstallationAdmin?: boolean
  /** Whether it is the program's own key, with which whoever is on the machine works in every workspace. */
  readonly mayEnterAnyWorkspace?: boolean
  /** What an API key is held to besides its role; absent or null where it may do all that the role may. */
  readonly scopes?: readonly string[] | null
  /** Remote address, null for the program itself. */
  readonly address: string | null
}

/** Whether `role` may do what needs at least `least`. */
export function atLeast(role: Role, least: Role): boolean {
  return RANK[role] >= RANK[least]
}
