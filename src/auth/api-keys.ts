import { createHash, randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { newId, Secret, type Actor, type Role } from '../domain/index.ts'
import type { Handle } from '../db/index.ts'

export interface NewApiKey {
  readonly workspaceId: string
  readonly name: string
  readonly role: Role
  /** Id of who made it. */
  readonly createdBy: string
  readonly isInstallationAdmin?: boolean
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
      expires_at: null,
      last_used_at: null,
    })
    .execute()
  return { id, key: new Secret(key) }
}

/** Who a key speaks for; null when it is unknown or expired. */
export async function actorOfApiKey(db: Handle, key: string, address: string | null): Promise<Actor | null> {
  if (!/^cwk_[\w-]{43}$/.test(key)) return null
  const row = await db
    .selectFrom('api_keys')
    .select(['id', 'name', 'workspace_id', 'role', 'is_installation_admin'])
    .select(sql<boolean>`coalesce(last_used_at < now() - interval '1 minute', true)`.as('unseen'))
    .where('hash', '=', hashApiKey(key))
    .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', sql<Date>`now()`)]))
    .executeTakeFirst()
  if (row === undefined) return null
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
    workspaceId: row.workspace_id,
    role: row.role,
    isInstallationAdmin: row.is_installation_admin,
    address,
  }
}
