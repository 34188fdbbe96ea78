import { sql, type Kysely, type Transaction } from 'kysely'
import { queries, type DB, type Handle } from '../db/index.ts'
import { atLeast, CatwalkError, quoted, type Actor, type Role } from '../domain/index.ts'

export interface Membership {
  readonly workspaceId: string
  readonly role: Role
  readonly isInstallationAdmin: boolean
}

export interface Member {
  readonly userId: string
  readonly name: string
  readonly email: string
  readonly role: Role
  readonly joinedAt: Date
}

/** The workspace that a person works in: the one asked for, else the first one joined. Null for whoever is not in it. */
export async function membershipOf(
  db: Handle,
  userId: string,
  workspaceId?: string,
): Promise<Membership | null> {
  let query = db
    .selectFrom('members')
    .innerJoin('users', 'users.id', 'members.user_id')
    .select(['members.workspace_id', 'members.role', 'users.is_installation_admin'])
    .where('members.user_id', '=', userId)
    .orderBy('members.created_at')
    .orderBy('members.workspace_id')
  if (workspaceId !== undefined) query = query.where('members.workspace_id', '=', workspaceId)
  const row = await query.executeTakeFirst()
  if (row === undefined) return null
  return {
    workspaceId: row.workspace_id,
    role: row.role,
    isInstallationAdmin: row.is_installation_admin,
  }
}

/** Who is in the actor's workspace, longest first. */
export async function listMembers(db: Handle, workspaceId: string): Promise<readonly Member[]> {
  const rows = await db
    .selectFrom('members')
    .innerJoin('users', 'users.id', 'members.user_id')
    .select(['users.id', 'users.name', 'users.email', 'members.role', 'members.created_at'])
    .where('members.workspace_id', '=', workspaceId)
    .orderBy('members.created_at')
    .orderBy('users.id')
    .execute()
  return rows.map((row) => ({
    userId: row.id,
    name: row.name,
    email: row.email,
    role: row.role,
    joinedAt: row.created_at,
  }))
}

/**
 * Gives a member another role. Nobody changes one who stands above, or raises one above oneself.
 * @throws CatwalkError `member_not_found`, `forbidden`, `last_owner`
 */
export async function changeRole(
  database: Kysely<DB>,
  actor: Actor,
  userId: string,
  role: Role,
): Promise<readonly Member[]> {
  await alone(database, actor, async (tx, own) => {
    const before = await roleOf(tx, actor.workspaceId, userId)
    requireRank(own, before)
    requireRank(own, role)
    if (before === 'owner' && role !== 'owner') await requireAnotherOwner(tx, actor.workspaceId)
    await tx
      .updateTable('members')
      .set({ role })
      .where('workspace_id', '=', actor.workspaceId)
      .where('user_id', '=', userId)
      .execute()
    // What clients may do for them depends on it.
    for (const id of await queries.deploymentsConnectedBy(tx, actor.workspaceId, userId)) {
      await queries.announce(tx, 'deployment', id)
    }
    await queries.recordAudit(tx, {
      actor,
      action: 'member.change_role',
      target: userId,
      detail: { from: before, role },
    })
  })
  return listMembers(database, actor.workspaceId)
}

/**
 * Removes a member, or lets one leave. Their API keys of the workspace die with it, and what they allowed clients.
 * @throws CatwalkError `member_not_found`, `forbidden`, `last_owner`
 */
export async function removeMember(database: Kysely<DB>, actor: Actor, userId: string): Promise<null> {
  return alone(database, actor, async (tx, own) => {
    const before = await roleOf(tx, actor.workspaceId, userId)
    const isSelf = actor.kind === 'user' && actor.id === userId
    if (!isSelf) {
      requireRank(own, 'admin')
      requireRank(own, before)
    }
    if (before === 'owner') await requireAnotherOwner(tx, actor.workspaceId)
    await tx
      .deleteFrom('members')
      .where('workspace_id', '=', actor.workspaceId)
      .where('user_id', '=', userId)
      .execute()
    await tx
      .deleteFrom('api_keys')
      .where('workspace_id', '=', actor.workspaceId)
      .where('created_by', '=', userId)
      .execute()
    const ended = await queries.endConnections(tx, { userId, workspaceId: actor.workspaceId })
    for (const id of new Set(ended.map(({ deployment_id }) => deployment_id))) {
      await queries.announce(tx, 'deployment', id)
    }
    await queries.recordAudit(tx, {
      actor,
      action: isSelf ? 'member.leave' : 'member.remove',
      target: userId,
      detail: { role: before },
    })
    return null
  })
}

/**
 * Memberships of a workspace change one at a time, and by what the actor is then: who was made less in the meantime
 * does no more with the former role.
 */
export async function alone<T>(
  database: Kysely<DB>,
  actor: Actor,
  work: (tx: Transaction<DB>, role: Role) => Promise<T>,
): Promise<T> {
  return database.transaction().execute(async (tx) => {
    await tx
      .selectFrom('workspaces')
      .select('id')
      .where('id', '=', actor.workspaceId)
      .forUpdate()
      .executeTakeFirst()
    const role = actor.kind === 'user' ? await roleOf(tx, actor.workspaceId, actor.id) : actor.role
    return work(tx, role)
  })
}

/** @throws CatwalkError `forbidden` when `role` is less than what is needed */
export function requireRank(role: Role, least: Role): void {
  if (atLeast(role, least)) return
  throw new CatwalkError('forbidden', `This needs the role ${least}; yours is ${role}.`)
}

async function roleOf(db: Handle, workspaceId: string, userId: string): Promise<Role> {
  const row = await db
    .selectFrom('members')
    .select('role')
    .where('workspace_id', '=', workspaceId)
    .where('user_id', '=', userId)
    .executeTakeFirst()
  if (row === undefined) {
    throw new CatwalkError('member_not_found', `The workspace has no member ${quoted(userId)}.`)
  }
  return row.role
}

async function requireAnotherOwner(db: Handle, workspaceId: string): Promise<void> {
  const row = await db
    .selectFrom('members')
    .select(sql<number>`count(*)::int4`.as('count'))
    .where('workspace_id', '=', workspaceId)
    .where('role', '=', 'owner')
    .executeTakeFirstOrThrow()
  if (row.count < 2) throw new CatwalkError('last_owner', 'The workspace would be left without an owner.')
}
