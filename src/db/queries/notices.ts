import { sql } from 'kysely'
import { newId, type Notice, type NoticeKind } from '../../domain/index.ts'
import type { Handle } from './handle.ts'

export interface NoticeChannelRow {
  readonly id: string
  readonly workspace_id: string
  readonly kind: 'webhook' | 'mail'
  readonly shown: string
  readonly token: string
  readonly key_id: string
  readonly notices: readonly string[]
  readonly secret_version: number
  readonly created_at: Date
}

/** What became of a notice at one address. */
export interface NoticeDeliveryRow {
  readonly noticeId: string
  readonly channelId: string
  readonly shown: string
  readonly at: Date
  readonly kind: string
  readonly slug: string | null
  readonly message: string
  readonly state: 'pending' | 'delivered' | 'failed'
  readonly attempts: number
  readonly error: string | null
  readonly nextAt: Date | null
}

/** A delivery that this node makes. */
export interface ClaimedDelivery {
  readonly notice: Notice
  readonly channel: NoticeChannelRow
  /** This one included. */
  readonly attempts: number
}

export interface NewNotice {
  readonly workspaceId: string
  readonly deploymentId: string | null
  readonly kind: NoticeKind
  readonly message: string
  /** What is told once only; null for what may be told again. */
  readonly once?: string
}

/** Longer than a delivery may take. */
const LEASE_SECONDS = 60
/** What comes and goes is told once in this time. */
const QUIET_MINUTES = 15
const COLUMNS = [
  'id',
  'workspace_id',
  'kind',
  'shown',
  'token',
  'key_id',
  'notices',
  'secret_version',
  'created_at',
] as const

/** Writes down what is to be told, for every address of the workspace that wants it; nothing where none does. */
export async function addNotice(db: Handle, notice: NewNotice): Promise<void> {
  const { workspaceId, deploymentId, kind, message, once = null } = notice
  await sql`
    with told as (
      insert into notices (id, workspace_id, kind, deployment_id, deployment, message, once)
      select ${newId('notice')}, ${workspaceId}, ${kind}, ${deploymentId}, (
          select jsonb_build_object('id', d.id, 'slug', d.slug, 'name', d.name)
          from deployments d where d.id = ${deploymentId}
        ), ${message}, ${once}
      where exists (
          select from notice_channels c where c.workspace_id = ${workspaceId} and ${kind} = any (c.notices)
        )
        and not (${kind} = 'unhealthy' and exists (
          select from notices n
          where n.workspace_id = ${workspaceId} and n.deployment_id = ${deploymentId} and n.kind = ${kind}
            and n.at > now() - make_interval(mins => ${QUIET_MINUTES})
        ))
      on conflict (workspace_id, once) do nothing
      returning id
    )
    insert into notice_deliveries (notice_id, channel_id)
    select told.id, c.id from told, notice_channels c
    where c.workspace_id = ${workspaceId} and ${kind} = any (c.notices)`.execute(db)
}

/** Writes down a notice for one address, to see whether it arrives. Returns its id. */
export async function addTestNotice(
  tx: Handle,
  { id: channelId, workspace_id: workspaceId }: NoticeChannelRow,
  message: string,
): Promise<string> {
  const id = newId('notice')
  await tx.insertInto('notices').values({ id, workspace_id: workspaceId, kind: 'test', message }).execute()
  await tx.insertInto('notice_deliveries').values({ notice_id: id, channel_id: channelId }).execute()
  return id
}

/**
 * Takes the lease of a delivery that is due; null when none is. None for an address to which one is under way: who takes
 * long, or has much to take, holds up nobody else.
 */
export async function claimDelivery(db: Handle): Promise<ClaimedDelivery | null> {
  const { rows } = await sql<{ notice_id: string; channel_id: string; attempts: number }>`
    update notice_deliveries set attempts = attempts + 1,
      lease_until = now() + make_interval(secs => ${LEASE_SECONDS})
    where (notice_id, channel_id) = (
      select notice_id, channel_id from notice_deliveries
      where state = 'pending' and next_at <= now() and (lease_until is null or lease_until < now())
        and channel_id not in (
          select channel_id from notice_deliveries where state = 'pending' and lease_until >= now()
        )
      order by next_at limit 1 for update skip locked
    )
    returning notice_id, channel_id, attempts`.execute(db)
  const [row] = rows
  if (row === undefined) return null
  const notice = await db
    .selectFrom('notices')
    .innerJoin('workspaces', 'workspaces.id', 'notices.workspace_id')
    .select(['notices.id', 'at', 'notices.kind', 'deployment', 'message', 'workspaces.name as workspace'])
    .where('notices.id', '=', row.notice_id)
    .executeTakeFirst()
  const channel = await findNoticeChannel(db, null, row.channel_id)
  if (notice === undefined || channel === null) return null
  // Kinds and deployments were written by addNotice().
  return { notice: notice as Notice, channel, attempts: row.attempts }
}

/** Writes what became of a delivery, unless somebody else made it meanwhile. */
export async function endDelivery(
  db: Handle,
  { notice, channel, attempts }: ClaimedDelivery,
  outcome:
    | { readonly state: 'delivered' }
    | { readonly state: 'failed'; readonly error: string }
    | { readonly state: 'pending'; readonly error: string; readonly againInSeconds: number },
): Promise<void> {
  const isOver = outcome.state !== 'pending'
  await db
    .updateTable('notice_deliveries')
    .set({
      state: outcome.state,
      lease_until: null,
      error: 'error' in outcome ? outcome.error : null,
      ended_at: isOver ? sql<Date>`now()` : null,
      ...('againInSeconds' in outcome
        ? { next_at: sql<Date>`now() + make_interval(secs => ${outcome.againInSeconds})` }
        : {}),
    })
    .where('notice_id', '=', notice.id)
    .where('channel_id', '=', channel.id)
    .where('attempts', '=', attempts)
    .where('state', '=', 'pending')
    .execute()
}

/** Whether somebody with this address is a member of a workspace. */
export async function isMembersAddress(db: Handle, workspaceId: string, email: string): Promise<boolean> {
  const row = await db
    .selectFrom('members')
    .innerJoin('users', 'users.id', 'members.user_id')
    .select('users.id')
    .where('members.workspace_id', '=', workspaceId)
    .where('users.email', '=', email)
    .executeTakeFirst()
  return row !== undefined
}

export async function listNoticeChannels(
  db: Handle,
  workspaceId: string,
): Promise<readonly NoticeChannelRow[]> {
  return db
    .selectFrom('notice_channels')
    .select(COLUMNS)
    .where('workspace_id', '=', workspaceId)
    .orderBy('id')
    .execute()
}

/** @param workspaceId null for whichever it belongs to */
export async function findNoticeChannel(
  db: Handle,
  workspaceId: string | null,
  id: string,
): Promise<NoticeChannelRow | null> {
  const row = await db
    .selectFrom('notice_channels')
    .select(COLUMNS)
    .where('id', '=', id)
    .$if(workspaceId !== null, (query) => query.where('workspace_id', '=', workspaceId ?? ''))
    .executeTakeFirst()
  return row ?? null
}

export async function insertNoticeChannel(
  tx: Handle,
  row: Omit<NoticeChannelRow, 'secret_version' | 'created_at' | 'notices'> & {
    readonly notices: readonly NoticeKind[]
    readonly created_by: string
  },
): Promise<void> {
  await tx
    .insertInto('notice_channels')
    .values({ ...row, notices: [...row.notices] })
    .execute()
}

/** Changes which notices an address gets; with `renewSecret` also what they are signed with. */
export async function changeNoticeChannel(
  tx: Handle,
  id: string,
  { notices, renewSecret }: { readonly notices?: readonly NoticeKind[]; readonly renewSecret?: boolean },
): Promise<void> {
  await tx
    .updateTable('notice_channels')
    .set({
      id,
      ...(notices === undefined ? {} : { notices: [...notices] }),
      ...(renewSecret === true ? { secret_version: sql<number>`secret_version + 1` } : {}),
    })
    .where('id', '=', id)
    .execute()
}

export async function deleteNoticeChannel(tx: Handle, id: string): Promise<void> {
  await tx.deleteFrom('notice_channels').where('id', '=', id).execute()
}

/** The last notices of a workspace with what became of each, newest first. */
export async function listDeliveries(
  db: Handle,
  workspaceId: string,
  limit: number,
): Promise<readonly NoticeDeliveryRow[]> {
  const { rows } = await sql<NoticeDeliveryRow>`
    select n.id as "noticeId", c.id as "channelId", c.shown, n.at, n.kind, n.deployment ->> 'slug' as slug,
      n.message, d.state, d.attempts, d.error, case when d.state = 'pending' then d.next_at end as "nextAt"
    from notices n join notice_deliveries d on d.notice_id = n.id join notice_channels c on c.id = d.channel_id
    where n.workspace_id = ${workspaceId} order by n.at desc, n.id desc, c.id limit ${limit}`.execute(db)
  return rows
}

/** Tells of endpoint tokens and API keys that end within some days, of each once. */
export async function noticeExpiringKeys(db: Handle, withinDays: number): Promise<void> {
  const { rows } = await sql<{
    workspace_id: string
    deployment_id: string | null
    id: string
    name: string
    expires_at: Date
  }>`
    select t.workspace_id, t.deployment_id, t.id, t.name, t.expires_at from endpoint_tokens t
    where t.expires_at between now() and now() + make_interval(days => ${withinDays}) and t.replaced_by is null
    union all
    select k.workspace_id, null, k.id, k.name, k.expires_at from api_keys k
    where k.expires_at between now() and now() + make_interval(days => ${withinDays})`.execute(db)
  for (const row of rows) {
    const day = row.expires_at.toISOString().slice(0, 10)
    const what = row.deployment_id === null ? 'API key' : 'endpoint token'
    await addNotice(db, {
      workspaceId: row.workspace_id,
      deploymentId: row.deployment_id,
      kind: 'key_expiring',
      message: `The ${what} '${row.name}' expires on ${day}. What uses it is refused from then on.`,
      once: `${row.id} ${row.expires_at.toISOString()}`,
    })
  }
}

export async function deleteOldNotices(db: Handle, days: number): Promise<void> {
  await sql`delete from notices where at < now() - make_interval(days => ${days})`.execute(db)
}
