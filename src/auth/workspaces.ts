import { sql, type Kysely } from 'kysely'
import { queries, type DB, type Handle } from '../db/index.ts'
import { CatwalkError, type Actor, type Role } from '../domain/index.ts'
import { insertWorkspace } from './insert-account.ts'

export interface Workspace {
  readonly id: string
  readonly name: string
  readonly personal: boolean
  /** Of the one who asks. */
  readonly role: Role
  readonly members: number
}

/** The workspaces that the actor may work in, oldest first. */
export async function listWorkspaces(db: Handle, actor: Actor): Promise<readonly Workspace[]> {
  const { rows } = await sql<Workspace>`
    select w.id, w.name, w.personal, coalesce(m.role, ${actor.role}) as role,
      (select count(*)::int4 from members o where o.workspace_id = w.id) as members
    from workspaces w left join members m on m.workspace_id = w.id and m.user_id = ${actor.id}
    where m.user_id is not null or (${actor.kind} <> 'user'
      and (w.id = ${actor.workspaceId} or ${actor.mayEnterAnyWorkspace === true}))
    order by m.created_at, w.created_at, w.id`.execute(db)
  return rows
}

/** A new workspace, owned by the one who asks. @throws CatwalkError `forbidden` for an API key */
export async function createWorkspace(database: Kysely<DB>, actor: Actor, name: string): Promise<Workspace> {
  if (actor.kind !== 'user') {
    throw new CatwalkError('forbidden', 'An API key cannot own a workspace.', {
      help: 'Sign in to the dashboard and make it there.',
    })
  }
  const id = await database.transaction().execute(async (tx) => {
    const made = await insertWorkspace(tx, { name, personal: false, ownerId: actor.id })
    await queries.recordAudit(tx, {
      actor: { ...actor, workspaceId: made },
      action: 'workspace.create',
      target: made,
      detail: { name },
    })
    return made
  })
  return { id, name, personal: false, role: 'owner', members: 1 }
}

/** Gives the actor's workspace another name. */
export async function renameWorkspace(
  database: Kysely<DB>,
  actor: Actor,
  name: string,
): Promise<{ readonly id: string; readonly name: string }> {
  await database.transaction().execute(async (tx) => {
    await tx.updateTable('workspaces').set({ name }).where('id', '=', actor.workspaceId).execute()
    await queries.recordAudit(tx, {
      actor,
      action: 'workspace.rename',
      target: actor.workspaceId,
      detail: { name },
    })
  })
  return { id: actor.workspaceId, name }
}
