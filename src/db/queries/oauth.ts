import { sql } from 'kysely'
import type { Role } from '../../domain/index.ts'
import type { Handle } from './handle.ts'

export interface OAuthClientRow {
  readonly id: string
  readonly kind: 'registered' | 'document' | 'predefined'
  readonly deployment_id: string | null
  readonly name: string
  readonly uri: string | null
  readonly redirect_uris: readonly string[]
  readonly auth_method: 'none' | 'client_secret_post' | 'client_secret_basic'
  readonly secret_hash: Buffer | null
  readonly created_at: Date
  readonly last_used_at: Date | null
  readonly fresh_until: Date | null
}

const CLIENT = [
  'id',
  'kind',
  'deployment_id',
  'name',
  'uri',
  'redirect_uris',
  'auth_method',
  'secret_hash',
  'created_at',
  'last_used_at',
  'fresh_until',
] as const

export async function findOAuthClient(db: Handle, id: string): Promise<OAuthClientRow | null> {
  const row = await db.selectFrom('oauth_clients').select(CLIENT).where('id', '=', id).executeTakeFirst()
  return row ?? null
}

export type NewOAuthClient = Omit<OAuthClientRow, 'created_at' | 'last_used_at' | 'redirect_uris'> & {
  readonly redirect_uris: string[]
}

/** Adds a client; a document's newer copy replaces the older one. */
export async function putOAuthClient(db: Handle, row: NewOAuthClient): Promise<OAuthClientRow> {
  const { name, uri, redirect_uris, auth_method, fresh_until } = row
  return db
    .insertInto('oauth_clients')
    .values(row)
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet({ name, uri, redirect_uris, auth_method, fresh_until }),
    )
    .returning(CLIENT)
    .executeTakeFirstOrThrow()
}

/** How many clients registered themselves at the endpoint (null: at the root) that nobody ever allowed anything. */
export async function countUnusedOAuthClients(db: Handle, deploymentId: string | null): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int4 as count from oauth_clients
    where kind = 'registered' and last_used_at is null and deployment_id is not distinct from ${deploymentId}`.execute(
    db,
  )
  return rows[0]?.count ?? 0
}

export async function listPredefinedClients(
  db: Handle,
  deploymentId: string,
): Promise<readonly OAuthClientRow[]> {
  return db
    .selectFrom('oauth_clients')
    .select(CLIENT)
    .where('deployment_id', '=', deploymentId)
    .where('kind', '=', 'predefined')
    .orderBy('created_at')
    .orderBy('id')
    .execute()
}

/** Deletes a predefined client by id or name, with all that it was allowed. Returns its id and name. */
export async function deletePredefinedClient(
  db: Handle,
  deploymentId: string,
  idOrName: string,
): Promise<{ readonly id: string; readonly name: string } | null> {
  const row = await db
    .deleteFrom('oauth_clients')
    .where('deployment_id', '=', deploymentId)
    .where('kind', '=', 'predefined')
    .where((where) => where.or([where('id', '=', idOrName), where('name', '=', idOrName)]))
    .returning(['id', 'name'])
    .executeTakeFirst()
  return row ?? null
}

export interface OAuthEndpointRow {
  readonly id: string
  readonly workspace_id: string
  readonly workspace_name: string
  readonly slug: string
  readonly name: string
  /** Of the person in the workspace; null when they are not in it. */
  readonly role: Role | null
}

/** A deployment whose endpoint lets people sign in, as one person sees it. */
export async function findOAuthEndpoint(
  db: Handle,
  deploymentId: string,
  userId: string,
): Promise<OAuthEndpointRow | null> {
  const row = await db
    .selectFrom('deployments as d')
    .innerJoin('workspaces as w', 'w.id', 'd.workspace_id')
    .leftJoin('members as m', (join) =>
      join.onRef('m.workspace_id', '=', 'd.workspace_id').on('m.user_id', '=', userId),
    )
    .select(['d.id', 'd.workspace_id', 'w.name as workspace_name', 'd.slug', 'd.name', 'm.role'])
    .where('d.id', '=', deploymentId)
    .where('d.desired', '<>', 'deleted')
    .where('d.access', 'in', ['oauth', 'both'])
    .executeTakeFirst()
  return row ?? null
}

export interface RememberedConsent {
  readonly id: string
  readonly scopes: readonly string[]
  readonly redirect_uri: string
}

export async function findConsent(
  db: Handle,
  userId: string,
  clientId: string,
  deploymentId: string,
): Promise<RememberedConsent | null> {
  const row = await db
    .selectFrom('oauth_connections')
    .select(['id', 'scopes', 'redirect_uri'])
    .where('user_id', '=', userId)
    .where('client_id', '=', clientId)
    .where('deployment_id', '=', deploymentId)
    .executeTakeFirst()
  return row ?? null
}

/** Writes down what a person allowed; returns the connection's id, which stays the same when they allow it again. */
export async function putConsent(
  tx: Handle,
  row: {
    readonly id: string
    readonly client_id: string
    readonly user_id: string
    readonly deployment_id: string
    readonly scopes: string[]
    readonly redirect_uri: string
  },
): Promise<string> {
  const { scopes, redirect_uri } = row
  const { id } = await tx
    .insertInto('oauth_connections')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['user_id', 'client_id', 'deployment_id']).doUpdateSet({ scopes, redirect_uri }),
    )
    .returning('id')
    .executeTakeFirstOrThrow()
  await sql`update oauth_clients set last_used_at = now() where id = ${row.client_id}`.execute(tx)
  return id
}

export async function insertOAuthCode(
  tx: Handle,
  row: {
    readonly hash: Buffer
    readonly connection_id: string
    readonly redirect_uri: string
    readonly challenge: string
    readonly scopes: string[]
    readonly expires_at: Date
  },
): Promise<void> {
  await tx.insertInto('oauth_codes').values(row).execute()
}

/** What a code or refresh token leads to. `role` is that of the person now; null when they left the workspace. */
export interface OAuthGrantRow {
  readonly connection_id: string
  readonly client_id: string
  readonly user_id: string
  readonly deployment_id: string
  readonly workspace_id: string
  readonly slug: string
  readonly access: 'token' | 'oauth' | 'both' | 'public'
  readonly role: Role | null
  readonly scopes: readonly string[]
}

export interface OAuthCodeRow extends OAuthGrantRow {
  readonly redirect_uri: string
  readonly challenge: string
  readonly expires_at: Date
  readonly redeemed_at: Date | null
  readonly authorization_id: string | null
}

/** A code, locked; null when there is none. */
export async function lockOAuthCode(tx: Handle, hash: Buffer): Promise<OAuthCodeRow | null> {
  const { rows } = await sql<OAuthCodeRow>`
    select k.connection_id, c.client_id, c.user_id, c.deployment_id, d.workspace_id, d.slug, d.access, m.role,
      k.scopes, k.redirect_uri, k.challenge, k.expires_at, k.redeemed_at, k.authorization_id
    from oauth_codes k
    join oauth_connections c on c.id = k.connection_id
    join deployments d on d.id = c.deployment_id
    left join members m on m.workspace_id = d.workspace_id and m.user_id = c.user_id
    where k.hash = ${hash} and d.desired <> 'deleted'
    for update of k`.execute(tx)
  return rows[0] ?? null
}

/** Notes what a code was redeemed for. */
export async function redeemOAuthCode(tx: Handle, hash: Buffer, authorizationId: string): Promise<void> {
  await tx
    .updateTable('oauth_codes')
    .set({ redeemed_at: sql<Date>`now()`, authorization_id: authorizationId })
    .where('hash', '=', hash)
    .execute()
}

/** Adds an authorization; the oldest ones of its connection beyond `keep` end. */
export async function insertAuthorization(
  tx: Handle,
  row: {
    readonly id: string
    readonly connection_id: string
    readonly scopes: string[]
    readonly expires_at: Date
  },
  keep: number,
): Promise<void> {
  await tx.insertInto('oauth_authorizations').values(row).execute()
  await sql`
    delete from oauth_authorizations where id in (
      select id from oauth_authorizations where connection_id = ${row.connection_id}
      order by created_at desc, id desc offset ${keep}
    )`.execute(tx)
}

export async function deleteAuthorization(tx: Handle, id: string): Promise<void> {
  await tx.deleteFrom('oauth_authorizations').where('id', '=', id).execute()
}

export interface RefreshTokenRow extends OAuthGrantRow {
  readonly authorization_id: string
  readonly expires_at: Date
  readonly used_at: Date | null
}

/** A refresh token, locked together with its authorization; null when there is none. */
export async function lockRefreshToken(tx: Handle, hash: Buffer): Promise<RefreshTokenRow | null> {
  const { rows } = await sql<RefreshTokenRow>`
    select a.connection_id, c.client_id, c.user_id, c.deployment_id, d.workspace_id, d.slug, d.access, m.role,
      a.scopes, r.authorization_id, r.expires_at, r.used_at
    from oauth_refresh_tokens r
    join oauth_authorizations a on a.id = r.authorization_id
    join oauth_connections c on c.id = a.connection_id
    join deployments d on d.id = c.deployment_id
    left join members m on m.workspace_id = d.workspace_id and m.user_id = c.user_id
    where r.hash = ${hash} and d.desired <> 'deleted'
    for update of r, a`.execute(tx)
  return rows[0] ?? null
}

/** Puts a new refresh token in the place of the former, which is kept as used. */
export async function rotateRefreshToken(
  tx: Handle,
  authorizationId: string,
  former: Buffer | null,
  next: { readonly hash: Buffer; readonly expires_at: Date },
): Promise<void> {
  if (former !== null) {
    await tx
      .updateTable('oauth_refresh_tokens')
      .set({ used_at: sql<Date>`now()` })
      .where('hash', '=', former)
      .execute()
    await tx
      .updateTable('oauth_authorizations')
      .set({ expires_at: next.expires_at })
      .where('id', '=', authorizationId)
      .execute()
  }
  await tx
    .insertInto('oauth_refresh_tokens')
    .values({ ...next, authorization_id: authorizationId })
    .execute()
}

/** The connection of an authorization that a client with this id holds; null when there is none. */
export async function connectionOfAuthorization(
  db: Handle,
  id: string,
): Promise<{
  readonly connection_id: string
  readonly client_id: string
  readonly deployment_id: string
} | null> {
  const row = await db
    .selectFrom('oauth_authorizations as a')
    .innerJoin('oauth_connections as c', 'c.id', 'a.connection_id')
    .select(['c.id as connection_id', 'c.client_id', 'c.deployment_id'])
    .where('a.id', '=', id)
    .executeTakeFirst()
  return row ?? null
}

export interface ConnectionRow {
  readonly id: string
  readonly client_name: string
  readonly client_kind: OAuthClientRow['kind']
  readonly client_id: string
  readonly redirect_uri: string
  readonly scopes: readonly string[]
  readonly user_id: string
  readonly user_email: string
  readonly deployment_id: string
  readonly deployment_name: string
  readonly slug: string
  readonly created_at: Date
  readonly last_used_at: Date | null
}

/** Connections of a deployment or of a person, newest first. */
export async function listConnections(
  db: Handle,
  of: { readonly deploymentId: string } | { readonly userId: string },
): Promise<readonly ConnectionRow[]> {
  return db
    .selectFrom('oauth_connections as c')
    .innerJoin('oauth_clients as k', 'k.id', 'c.client_id')
    .innerJoin('users as u', 'u.id', 'c.user_id')
    .innerJoin('deployments as d', 'd.id', 'c.deployment_id')
    .select(['c.id', 'k.name as client_name', 'k.kind as client_kind', 'c.client_id', 'c.redirect_uri'])
    .select([
      'c.scopes',
      'c.user_id',
      'u.email as user_email',
      'c.deployment_id',
      'd.name as deployment_name',
    ])
    .select(['d.slug', 'c.created_at', 'c.last_used_at'])
    .where('d.desired', '<>', 'deleted')
    .$if('deploymentId' in of, (query) =>
      query.where('c.deployment_id', '=', 'deploymentId' in of ? of.deploymentId : ''),
    )
    .$if('userId' in of, (query) => query.where('c.user_id', '=', 'userId' in of ? of.userId : ''))
    .orderBy('c.created_at', 'desc')
    .orderBy('c.id')
    .execute()
}

/** Ends connections with all their tokens, and tells the gateways. Returns what was ended. */
export async function endConnections(
  tx: Handle,
  which: {
    readonly id?: string
    readonly deploymentId?: string
    readonly userId?: string
    readonly workspaceId?: string
  },
): Promise<
  readonly { readonly id: string; readonly deployment_id: string; readonly workspace_id: string }[]
> {
  const { id = null, deploymentId = null, userId = null, workspaceId = null } = which
  const { rows } = await sql<{ id: string; deployment_id: string; workspace_id: string }>`
    delete from oauth_connections c using deployments d
    where d.id = c.deployment_id
      and (${id}::text is null or c.id = ${id})
      and (${deploymentId}::text is null or c.deployment_id = ${deploymentId})
      and (${userId}::text is null or c.user_id = ${userId})
      and (${workspaceId}::text is null or d.workspace_id = ${workspaceId})
    returning c.id, c.deployment_id, d.workspace_id`.execute(tx)
  return rows
}

/** Deployments of the workspace at which a person has connections: what their role allows is read anew. */
export async function deploymentsConnectedBy(
  db: Handle,
  workspaceId: string,
  userId: string,
): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('oauth_connections as c')
    .innerJoin('deployments as d', 'd.id', 'c.deployment_id')
    .select('d.id')
    .distinct()
    .where('d.workspace_id', '=', workspaceId)
    .where('c.user_id', '=', userId)
    .execute()
  return rows.map(({ id }) => id)
}

/** Records when connections were last used, one statement for a whole batch. Times only move forward. */
export async function touchConnections(db: Handle, uses: ReadonlyMap<string, Date>): Promise<void> {
  if (uses.size === 0) return
  const ids = [...uses.keys()]
  const times = [...uses.values()]
  await sql`
    update oauth_connections c set last_used_at = greatest(c.last_used_at, u.at)
    from unnest(${ids}::text[], ${times}::timestamptz[]) as u (id, at)
    where c.id = u.id`.execute(db)
}

/**
 * Deletes what has ended: codes, tokens, authorizations, clients that registered themselves and were allowed nothing
 * for a day, or have no connection left for ninety, and copies of documents that nobody uses.
 */
export async function deleteEndedOAuth(db: Handle): Promise<void> {
  await sql`delete from oauth_codes where expires_at < now()`.execute(db)
  await sql`delete from oauth_authorizations where expires_at < now()`.execute(db)
  await sql`delete from oauth_refresh_tokens where expires_at < now()`.execute(db)
  await sql`
    delete from oauth_clients k
    where not exists (select from oauth_connections c where c.client_id = k.id) and (
      (kind = 'registered' and last_used_at is null and created_at < now() - interval '1 day')
      or (kind = 'registered' and last_used_at < now() - interval '90 days')
      or (kind = 'document' and fresh_until < now() - interval '1 day')
    )`.execute(db)
}
