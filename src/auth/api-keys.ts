import { createHash, randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { atLeast, newId, Secret, type Actor, type Role } from '../domain/index.ts'
import type { Handle } from '../db/index.ts'
import { PROGRAM_ID } from './program-actor.ts'

export interface NewApiKey {
  readonly workspaceId: string
  readonly name: string
  readonly role: Role
  /** Id of who made it. */
  readonly createdBy: string
  readonly isInstallationAdmin?: boolean
  /** null for all that the role may. */
  readonly scopes?: readonly string[] | null
  readonly expiresInDays?: number | null
}

/** SHA-256 of a key. The key has 256 random bits, so a slow hash would add nothing. */
function hashApiKey(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

/** Makes an API key. The key itself is returned and stored nowhere. */
export async function insertApiKey(db: Handle, input: NewApiKey): Promise<{ id: string; key: Secret }> {
  const key = `cwk_${randomBytes(32).toString('base64url')}`
  const id = newId('apiKey')
  await db
    .insertInto('api_keys')
    .values({
      id,
      workspace_id: input.workspaceId,
      name: input.name,
      role: input.role,
      hash: hashApiKey(key),
      prefix: key.slice(0, 10),
      created_by: input.createdBy,
      is_installation_admin: input.isInstallationAdmin ?? false,
      scopes: input.scopes ?? null,
      expires_at:
        input.expiresInDays === undefined || input.expiresInDays === null
          ? null
          : sql<Date>`now() + make_interval(days => ${input.expiresInDays})`,
      last_used_at: null,
    })
    .execute()
  return { id, key: new Secret(key) }
}

/**
 * Who a key speaks for; null when it is unknown or expired. A key that somebody made may do no more than that person
 * may do now, and nothing once they have left.
 * @param workspaceId the workspace to work in; null also when the key is not for it
 */
export async function actorOfApiKey(
  db: Handle,
  key: string,
  address: string | null,
  workspaceId?: string,
): Promise<Actor | null> {
  if (!/^cwk_[\w-]{43}$/.test(key)) return null
  const row = await db
    .selectFrom('api_keys')
    .leftJoin('members', (join) =>
      join
        .onRef('members.workspace_id', '=', 'api_keys.workspace_id')
        .onRef('members.user_id', '=', 'api_keys.created_by'),
    )
    .select([
      'api_keys.id',
      'name',
      'api_keys.workspace_id',
      'api_keys.role',
      'is_installation_admin',
      'scopes',
    ])
    .select(['created_by', 'members.role as creatorRole'])
    .select(sql<boolean>`coalesce(last_used_at < now() - interval '1 minute', true)`.as('unseen'))
    .where('hash', '=', hashApiKey(key))
    .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', sql<Date>`now()`)]))
    .executeTakeFirst()
  if (row === undefined) return null
  const isOfProgram = row.created_by === PROGRAM_ID
  if (!isOfProgram && row.creatorRole === null) return null
  const entered = workspaceId ?? row.workspace_id
  if (entered !== row.workspace_id && !(isOfProgram && (await isWorkspace(db, entered)))) return null
  // At most once a minute: a script that polls must not write on every call.
  if (row.unseen) {
    await db
      .updateTable('api_keys')
      .set({ last_used_at: sql<Date>`now()` })
      .where('id', '=', row.id)
      .execute()
  }
  return {
    kind: 'api_key',
    id: row.id,
    label: row.name,
    workspaceId: entered,
    role: row.creatorRole !== null && !atLeast(row.creatorRole, row.role) ? row.creatorRole : row.role,
    isInstallationAdmin: row.is_installation_admin,
    scopes: row.scopes,
    mayEnterAnyWorkspace: isOfProgram,
    address,
  }
}

async function isWorkspace(db: Handle, id: string): Promise<boolean> {
  return (
    (await db.selectFrom('workspaces').select('id').where('id', '=', id).executeTakeFirst()) !== undefined
  )
}
