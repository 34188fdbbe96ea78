import { sql } from 'kysely'
import type { Handle } from './handle.ts'

export interface AccountProviderRow {
  readonly id: string
  readonly workspace_id: string
  readonly name: string
  readonly authorization_url: string
  readonly token_url: string
  readonly revocation_url: string | null
  readonly issuer: string | null
  readonly scopes: readonly string[]
  readonly parameters: Readonly<Record<string, string>>
  readonly client_id: string
  readonly auth_method: 'client_secret_post' | 'client_secret_basic' | 'none'
  readonly token: string
  readonly key_id: string
}

const PROVIDER = [
  'id',
  'workspace_id',
  'name',
  'authorization_url',
  'token_url',
  'revocation_url',
  'issuer',
  'scopes',
  'parameters',
  'client_id',
  'auth_method',
  'token',
  'key_id',
] as const

/** Providers of a workspace by name, or the one with this id or name. */
export async function listAccountProviders(
  db: Handle,
  workspaceId: string,
  idOrName: string | null = null,
): Promise<readonly AccountProviderRow[]> {
  let query = db.selectFrom('account_providers').select(PROVIDER).where('workspace_id', '=', workspaceId)
  if (idOrName !== null) {
    query = query.where((where) => where.or([where('id', '=', idOrName), where('name', '=', idOrName)]))
  }
  // Written by putAccountProvider alone.
  return (await query.orderBy('name').execute()) as readonly AccountProviderRow[]
}

/** Stores a provider; one of the same name keeps its id and its accounts. */
export async function putAccountProvider(tx: Handle, row: AccountProviderRow): Promise<void> {
  const { id: _id, workspace_id: _workspace, name: _name, ...rest } = row
  const values = { ...rest, scopes: [...row.scopes], parameters: JSON.stringify(row.parameters) }
  await tx
    .insertInto('account_providers')
    .values({ ...values, id: row.id, workspace_id: row.workspace_id, name: row.name })
    .onConflict((conflict) => conflict.columns(['workspace_id', 'name']).doUpdateSet(values))
    .execute()
}

/** How many accounts are connected by way of a provider. */
export async function countAccountsOf(db: Handle, providerId: string): Promise<number> {
  const { count } = await db
    .selectFrom('connected_accounts')
    .select((select) => select.fn.countAll<string>().as('count'))
    .where('provider_id', '=', providerId)
    .executeTakeFirstOrThrow()
  return Number(count)
}

export async function deleteAccountProvider(tx: Handle, id: string): Promise<void> {
  await tx.deleteFrom('account_providers').where('id', '=', id).execute()
}

export interface ConnectedAccountRow {
  readonly id: string
  readonly workspace_id: string
  readonly deployment_id: string
  readonly user_id: string | null
  readonly name: string
  readonly provider_id: string
  readonly token: string
  readonly key_id: string
  readonly version: number
  readonly state: 'connected' | 'broken'
  readonly problem: string | null
  readonly expires_at: Date | null
  readonly failures: number
  readonly connected_at: Date
}

const ACCOUNT = [
  'id',
  'workspace_id',
  'deployment_id',
  'user_id',
  'name',
  'provider_id',
  'token',
  'key_id',
  'version',
  'state',
  'problem',
  'expires_at',
  'failures',
  'connected_at',
] as const

/** Accounts of a deployment that serve everybody (null) or one person. */
export async function listConnectedAccounts(
  db: Handle,
  deploymentId: string,
  userId: string | null,
): Promise<readonly ConnectedAccountRow[]> {
  return db
    .selectFrom('connected_accounts')
    .select(ACCOUNT)
    .where('deployment_id', '=', deploymentId)
    .where('user_id', userId === null ? 'is' : '=', userId)
    .execute()
}

/**
 * Stores an account in place of the one that was there for the same credential of the same person. The former one is not
 * ended at a service that it is connected with again: some end all that they gave to the same account by that.
 */
export async function putConnectedAccount(
  tx: Handle,
  row: Pick<
    ConnectedAccountRow,
    | 'id'
    | 'workspace_id'
    | 'deployment_id'
    | 'user_id'
    | 'name'
    | 'provider_id'
    | 'token'
    | 'key_id'
    | 'expires_at'
  > & { readonly refresh_at: Date | null; readonly connected_by: string },
): Promise<void> {
  const former = await deleteConnectedAccounts(tx, row.deployment_id, row.user_id, row.name)
  if (former.length > 0) {
    await tx
      .deleteFrom('account_revocations')
      .where('id', 'in', former)
      .where('provider_id', '=', row.provider_id)
      .execute()
  }
  await tx
    .insertInto('connected_accounts')
    .values({ ...row, state: 'connected' })
    .execute()
}

/**
 * Deletes accounts of a deployment that serve everybody (null) or one person: all, or that for one credential. Their
 * tokens are then ended at their services. Returns the ids.
 */
export async function deleteConnectedAccounts(
  tx: Handle,
  deploymentId: string,
  userId: string | null,
  name?: string,
): Promise<string[]> {
  let query = tx
    .deleteFrom('connected_accounts')
    .where('deployment_id', '=', deploymentId)
    .where('user_id', userId === null ? 'is' : '=', userId)
  if (name !== undefined) query = query.where('name', '=', name)
  return (await query.returning('id').execute()).map(({ id }) => id)
}

/** Deletes all accounts of a deployment, whosever they are. */
export async function deleteAllAccounts(tx: Handle, deploymentId: string): Promise<void> {
  await tx.deleteFrom('connected_accounts').where('deployment_id', '=', deploymentId).execute()
}

/** Which accounts are to be taken to be renewed. One whose whole life is short is not taken before a part of it is over. */
export interface RefreshWish {
  /** Not those, which were dealt with already. */
  readonly except?: readonly string[]
  /** Of this deployment and this person (null: of everybody), whenever they run out within the time. */
  readonly of?: {
    readonly deploymentId: string
    readonly userId: string | null
    readonly withinSeconds: number
  }
}

/** The live release, or one that shall follow it, still works with the account: all others are not renewed for ever. */
const WANTED = sql`exists (
  select from deployments d
    left join releases live on live.id = d.live_release_id
    join releases r on r.deployment_id = d.id and r.number >= coalesce(live.number, 0)
  where d.id = connected_accounts.deployment_id
    and r.settings -> 'accounts' -> connected_accounts.name ->> 'provider' = connected_accounts.provider_id
    and coalesce(r.settings -> 'personal' ? connected_accounts.name, false) = (connected_accounts.user_id is not null)
)`

/**
 * Takes one account that is due to be renewed, for `leaseSeconds`: no other replica renews it until then. Null when there
 * is none that nobody else has.
 */
export async function claimDueAccount(
  db: Handle,
  leaseSeconds: number,
  { of, except = [] }: RefreshWish = {},
): Promise<ConnectedAccountRow | null> {
  const due =
    of === undefined
      ? sql`refresh_at <= now()`
      : sql`deployment_id = ${of.deploymentId} and user_id is not distinct from ${of.userId}
          and expires_at <= now() + make_interval(secs => ${of.withinSeconds})
          and (refresh_at <= now() or failures > 0)`
  const { rows } = await sql<ConnectedAccountRow>`
    update connected_accounts set lease_until = now() + make_interval(secs => ${leaseSeconds})
    where id = (
      select id from connected_accounts
      where ${due} and ${WANTED} and id <> all(${[...except]}::text[]) and refresh_at is not null and state = 'connected' and (lease_until is null or lease_until < now())
      order by refresh_at limit 1 for update skip locked
    )
    returning ${sql.join(ACCOUNT.map((column) => sql.ref(column)))}`.execute(db)
  return rows[0] ?? null
}

/** Whether somebody renews accounts of a deployment right now that run out within the time. */
export async function isRefreshing(
  db: Handle,
  deploymentId: string,
  userId: string | null,
  withinSeconds: number,
): Promise<boolean> {
  const { rows } = await sql<{ yes: boolean }>`
    select exists (
      select from connected_accounts
      where deployment_id = ${deploymentId} and user_id is not distinct from ${userId} and lease_until > now()
        and state = 'connected' and expires_at <= now() + make_interval(secs => ${withinSeconds})
    ) as yes`.execute(db)
  return rows[0]?.yes ?? false
}

/** Writes a new token, unless there is a newer one already. Says whether it was written. */
export async function saveRefreshed(
  tx: Handle,
  account: Pick<ConnectedAccountRow, 'id' | 'version'>,
  fresh: {
    readonly token: string
    readonly key_id: string
    readonly expires_at: Date | null
    readonly refresh_at: Date | null
  },
): Promise<boolean> {
  const row = await tx
    .updateTable('connected_accounts')
    .set({
      ...fresh,
      version: account.version + 1,
      state: 'connected',
      problem: null,
      failures: 0,
      lease_until: null,
    })
    .where('id', '=', account.id)
    .where('version', '=', account.version)
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/** The provider refuses to renew it: it must be connected again. False when there is a newer token already. */
export async function markBroken(
  tx: Handle,
  account: Pick<ConnectedAccountRow, 'id' | 'version'>,
  problem: string,
): Promise<boolean> {
  const row = await tx
    .updateTable('connected_accounts')
    .set({ state: 'broken', problem, refresh_at: null, lease_until: null })
    .where('id', '=', account.id)
    .where('version', '=', account.version)
    .where('state', '=', 'connected')
    .returning('id')
    .executeTakeFirst()
  return row !== undefined
}

/** The provider could not be asked; it is tried again. */
export async function putOffRefresh(
  db: Handle,
  account: Pick<ConnectedAccountRow, 'id' | 'version'>,
  seconds: number,
): Promise<void> {
  await sql`
    update connected_accounts
    set refresh_at = now() + make_interval(secs => ${seconds}), lease_until = null, failures = failures + 1
    where id = ${account.id} and version = ${account.version}`.execute(db)
}

/** Has a deployment that runs be given what has changed, by new instances; one that sleeps gets it when it wakes. */
export async function restartIfRunning(tx: Handle, deploymentId: string): Promise<void> {
  await sql`
    update deployments set restart_count = restart_count + 1, failures = 0, next_at = now()
    where id = ${deploymentId} and desired = 'running' and live_release_id is not null and not asleep`.execute(
    tx,
  )
}

export interface RevocationRow {
  readonly id: string
  readonly provider_id: string
  readonly workspace_id: string
  readonly token: string
  readonly key_id: string
  /** How often it was tried, with this time. */
  readonly attempts: number
}

/** Takes one forgotten account whose tokens are to be ended at its service. The next try is later each time. */
export async function claimRevocation(db: Handle): Promise<RevocationRow | null> {
  const { rows } = await sql<RevocationRow>`
    update account_revocations
    set attempts = attempts + 1, next_at = now() + make_interval(secs => least(3600, 60 * 2 ^ attempts))
    where id = (
      select id from account_revocations where next_at <= now() order by next_at limit 1 for update skip locked
    )
    returning id, token, key_id, attempts, provider_id,
      (select workspace_id from account_providers where id = provider_id) as workspace_id`.execute(db)
  return rows[0] ?? null
}

/** Its tokens are ended, or it was tried for long enough. */
export async function deleteRevocation(db: Handle, id: string): Promise<void> {
  await db.deleteFrom('account_revocations').where('id', '=', id).execute()
}
