import { sql, type Kysely } from 'kysely'
import { queries, type DB, type Handle } from '../db/index.ts'
import { atLeast, CatwalkError, includesScope, quoted, type Actor, type Role } from '../domain/index.ts'
import { insertApiKey } from './api-keys.ts'
import { alone, requireRank } from './members.ts'

export interface ApiKey {
  readonly id: string
  readonly name: string
  readonly prefix: string
  readonly role: Role
  readonly scopes: readonly string[] | null
  readonly createdBy: string
  readonly createdAt: Date
  readonly expiresAt: Date | null
  readonly lastUsedAt: Date | null
}

/** API keys of the workspace: all of them for admins, one's own for others. Oldest first. */
export async function listApiKeys(db: Handle, actor: Actor): Promise<readonly ApiKey[]> {
  return keysWhere(db, actor, undefined)
}

/**
 * Makes an API key with a role that is not above one's own. It never does more than the one who made it may do at the
 * moment. The key is in the answer and nowhere else.
 * @throws CatwalkError `forbidden`
 */
export async function createApiKey(
  database: Kysely<DB>,
  actor: Actor,
  input: {
    readonly name: string
    readonly role: Role
    readonly scopes?: readonly string[] | null
    readonly expiresInDays: number | null
  },
): Promise<ApiKey & { readonly key: string }> {
  return alone(database, actor, async (tx, own) => {
    requireRank(own, input.role)
    const { scopes = null } = input
    requireScopes(actor, scopes)
    const { id, key } = await insertApiKey(tx, {
      workspaceId: actor.workspaceId,
      name: input.name,
      role: input.role,
      scopes,
      createdBy: await whoIsBehind(tx, actor),
      expiresInDays: input.expiresInDays,
    })
    await queries.recordAudit(tx, {
      actor,
      action: 'api_key.create',
      target: id,
      detail: { name: input.name, role: input.role, ...(scopes === null ? {} : { scopes }) },
    })
    const [made] = await keysWhere(tx, actor, id)
    if (made === undefined) throw new Error('an API key that was just made is not there')
    return { ...made, key: key.reveal() }
  })
}

/** A key that is held to scopes makes no key that may more. @throws CatwalkError `forbidden` */
function requireScopes({ scopes: own = null }: Actor, asked: readonly string[] | null): void {
  if (own === null) return
  const beyond = asked?.find((scope) => !includesScope(own, scope))
  if (asked !== null && beyond === undefined) return
  throw new CatwalkError(
    'forbidden',
    `An API key that is held to scopes makes no key ${beyond === undefined ? 'without scopes' : `with the scope ${beyond}`}.`,
    { help: `Ask for scopes of its own: ${own.join(', ')}. Or make the key in the dashboard.` },
  )
}

/** @throws CatwalkError `api_key_not_found` */
export async function revokeApiKey(database: Kysely<DB>, actor: Actor, id: string): Promise<null> {
  return database.transaction().execute(async (tx) => {
    const [found] = await keysWhere(tx, actor, id)
    if (found === undefined) throw new CatwalkError('api_key_not_found', `There is no API key ${quoted(id)}.`)
    await tx.deleteFrom('api_keys').where('id', '=', id).execute()
    await queries.recordAudit(tx, {
      actor,
      action: 'api_key.revoke',
      target: id,
      detail: { name: found.name },
    })
    return null
  })
}

async function keysWhere(db: Handle, actor: Actor, id: string | undefined): Promise<readonly ApiKey[]> {
  let query = db
    .selectFrom('api_keys')
    .select([
      'id',
      'name',
      'prefix',
      'role',
      'scopes',
      'created_by',
      'created_at',
      'expires_at',
      'last_used_at',
    ])
    .where('workspace_id', '=', actor.workspaceId)
    .orderBy('id')
  if (id !== undefined) query = query.where('id', '=', id)
  if (!atLeast(actor.role, 'admin')) query = query.where('created_by', '=', await whoIsBehind(db, actor))
  const rows = await query.execute()
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    role: row.role,
    scopes: row.scopes,
    createdBy: row.created_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
  }))
}

/** A key that makes a key does so for whoever made the first one. */
async function whoIsBehind(db: Handle, actor: Actor): Promise<string> {
  if (actor.kind !== 'api_key') return actor.id
  const row = await db
    .selectFrom('api_keys')
    .select(sql<string>`created_by`.as('createdBy'))
    .where('id', '=', actor.id)
    .executeTakeFirst()
  return row?.createdBy ?? actor.id
}
