import { sql } from 'kysely'
import type { Actor, Role } from '../../domain/index.ts'
import type { CredentialRow } from './credentials.ts'
import type { Handle } from './handle.ts'

/** That a person has brought a value, without the value. */
export interface BroughtRow {
  readonly id: string
  /** Null: of an account that serves everybody. */
  readonly user_id: string | null
  readonly name: string
  readonly version: number
  /** It came by renewing a token. */
  readonly renewed: boolean
  readonly created_at: Date
}

const BROUGHT = ['id', 'user_id', 'name', 'version', 'renewed', 'created_at'] as const

/** What people have brought for a deployment, or one of them. */
export async function listPersonalCredentials(
  db: Handle,
  deploymentId: string,
  userId?: string,
): Promise<readonly BroughtRow[]> {
  let query = db.selectFrom('personal_credentials').select(BROUGHT).where('deployment_id', '=', deploymentId)
  if (userId !== undefined) query = query.where('user_id', '=', userId)
  return query.execute()
}

/** The values, encrypted, that one person has brought for a deployment; null: those of accounts that serve everybody. */
export async function personalCredentialsOf(
  db: Handle,
  deploymentId: string,
  userId: string | null,
): Promise<readonly CredentialRow[]> {
  return db
    .selectFrom('personal_credentials')
    .select(['id', 'name', 'token', 'key_id'])
    .where('deployment_id', '=', deploymentId)
    .where('user_id', userId === null ? 'is' : '=', userId)
    .execute()
}

/** Stores a value, already encrypted, in place of the former one. */
export async function putPersonalCredential(
  tx: Handle,
  row: CredentialRow & {
    readonly workspace_id: string
    readonly deployment_id: string
    readonly user_id: string | null
    readonly renewed: boolean
  },
): Promise<void> {
  const former = await tx
    .deleteFrom('personal_credentials')
    .where('deployment_id', '=', row.deployment_id)
    .where('user_id', row.user_id === null ? 'is' : '=', row.user_id)
    .where('name', '=', row.name)
    .returning('version')
    .executeTakeFirst()
  await tx
    .insertInto('personal_credentials')
    .values({ ...row, version: (former?.version ?? 0) + 1 })
    .execute()
}

/** Deletes what a person has brought, all of it or one value. Returns the names. */
export async function deletePersonalCredentials(
  tx: Handle,
  which: { readonly deploymentId: string; readonly userId?: string | null; readonly name?: string },
): Promise<readonly string[]> {
  let query = tx.deleteFrom('personal_credentials').where('deployment_id', '=', which.deploymentId)
  if (which.userId !== undefined) {
    query = query.where('user_id', which.userId === null ? 'is' : '=', which.userId)
  }
  if (which.name !== undefined) query = query.where('name', '=', which.name)
  return (await query.returning('name').execute()).map(({ name }) => name)
}

/** A deployment where a person brings their own values, as that person sees it. */
export interface PersonalDeploymentRow {
  readonly id: string
  readonly workspace_id: string
  readonly workspace_name: string
  readonly slug: string
  readonly name: string
  readonly variables: readonly {
    readonly name: string
    readonly description: string | null
    readonly secret: boolean
    readonly isFile: boolean
    /** Name of the service, where it comes from an account that the person connects. */
    readonly provider: string | null
  }[]
}

/**
 * Deployments where members bring their own values, in the workspaces that a person is in: all, or the one that is named
 * by id or slug.
 */
export async function listPersonalDeployments(
  db: Handle,
  userId: string,
  idOrSlug: string | null,
): Promise<readonly PersonalDeploymentRow[]> {
  // The release that is to serve next asks for what the one that serves may not.
  const { rows } = await sql<PersonalDeploymentRow>`
    select d.id, d.workspace_id, w.name as workspace_name, d.slug, d.name, coalesce((
      select jsonb_agg(jsonb_build_object(
        'name', p.name,
        'description', v.variable ->> 'description',
        'secret', coalesce((v.variable ->> 'secret')::boolean, true),
        'isFile', coalesce(v.variable ? 'file', false),
        'provider', coalesce(ap.name, r.settings -> 'accounts' -> p.name ->> 'provider')
      ) order by p.position)
      from jsonb_array_elements_text(r.settings -> 'personal') with ordinality as p (name, position)
      left join lateral (
        select variable from jsonb_array_elements(r.launch_spec -> 'variables') as variable
        where variable ->> 'name' = p.name limit 1
      ) v on true
      left join account_providers ap on ap.id = r.settings -> 'accounts' -> p.name ->> 'provider'
    ), '[]') as variables
    from deployments d
    join workspaces w on w.id = d.workspace_id
    join members m on m.workspace_id = d.workspace_id and m.user_id = ${userId}
    join lateral (
      select settings, launch_spec from releases where deployment_id = d.id order by number desc limit 1
    ) r on true
    where d.desired <> 'deleted' and jsonb_array_length(coalesce(r.settings -> 'personal', '[]')) > 0
      and (${idOrSlug}::text is null or d.id = ${idOrSlug} or d.slug = ${idOrSlug})
    order by w.name, d.name, d.id`.execute(db)
  return rows
}

/** A deployment, by id or slug, as whoever asks may reach it: people in all their workspaces, keys in their own. */
export async function findForMember(
  db: Handle,
  idOrSlug: string,
  actor: Actor,
): Promise<{ id: string; slug: string; name: string; workspaceId: string; role: Role } | null> {
  const { rows } = await sql<{
    id: string
    slug: string
    name: string
    workspace_id: string
    role: Role | null
  }>`
    select d.id, d.slug, d.name, d.workspace_id, m.role
    from deployments d left join members m on m.workspace_id = d.workspace_id and m.user_id = ${actor.id}
    where (d.id = ${idOrSlug} or d.slug = ${idOrSlug}) and d.desired <> 'deleted'`.execute(db)
  const [row] = rows
  if (row === undefined) return null
  const { workspace_id: workspaceId, ...rest } = row
  const role = actor.kind !== 'user' && workspaceId === actor.workspaceId ? actor.role : row.role
  return role === null ? null : { ...rest, workspaceId, role }
}

/** Whether somebody is a member of a workspace. */
export async function isMember(db: Handle, workspaceId: string, userId: string): Promise<boolean> {
  const row = await db
    .selectFrom('members')
    .select('user_id')
    .where('workspace_id', '=', workspaceId)
    .where('user_id', '=', userId)
    .executeTakeFirst()
  return row !== undefined
}

/** The person who made a release, themselves or by an API key of theirs; null for the program. */
export async function makerOfRelease(db: Handle, releaseId: string): Promise<string | null> {
  const { rows } = await sql<{ id: string }>`
    select u.id from releases r
    left join api_keys k on k.id = r.created_by
    join users u on u.id = coalesce(k.created_by, r.created_by)
    where r.id = ${releaseId}`.execute(db)
  return rows[0]?.id ?? null
}

/** The person behind an API key: who made it. Null for the program's own, and for somebody who is gone. */
export async function personOfApiKey(db: Handle, keyId: string): Promise<string | null> {
  const row = await db
    .selectFrom('api_keys')
    .innerJoin('users', 'users.id', 'api_keys.created_by')
    .select('users.id')
    .where('api_keys.id', '=', keyId)
    .executeTakeFirst()
  return row?.id ?? null
}
