import { sql } from 'kysely'
import type { LogLine } from '../../domain/index.ts'
import { CHANNEL } from './announce.ts'
import type { Handle } from './handle.ts'

export interface LogLineRow {
  readonly id: string
  readonly at: Date
  readonly stream: 'stdout' | 'stderr' | 'system'
  readonly line: string
  readonly release_id: string | null
  readonly instance_id: string | null
}

/** Which lines are wanted; what is left out does not matter. */
export interface LogLineFilter {
  /** Part of the line, in any case, as it is: nothing in it is a pattern. */
  readonly search?: string | undefined
  readonly streams?: readonly LogLineRow['stream'][] | undefined
  readonly since?: Date | undefined
  readonly until?: Date | undefined
  readonly releaseId?: string | undefined
  readonly instanceId?: string | undefined
}

/**
 * Writes a batch and tells every replica, in one statement. Lines of deployments or releases that are gone by now are
 * dropped. The lines of one deployment get their ids one writer after the other, whichever replicas write: who has read
 * up to an id has read all before it, so that a reader who goes on after it leaves none out.
 */
export async function insertLogLines(db: Handle, lines: readonly LogLine[]): Promise<void> {
  if (lines.length === 0) return
  const deployments = [...new Set(lines.map((l) => l.deploymentId))]
  // Locked in the order of the keys, so that two batches never wait for each other; ids are drawn after the join.
  await sql`
    with locks as materialized (
      select pg_advisory_xact_lock(key) from (
        select distinct hashtextextended('catwalk.log:' || id, 0) as key
        from unnest(${deployments}::text[]) as id order by key
      ) as keys
    ), written as (
      insert into log_lines (workspace_id, deployment_id, release_id, instance_id, stream, line, at)
      select l.workspace_id, l.deployment_id, r.id, l.instance_id, l.stream, l.line, l.at
      from (select count(*) from locks) as held, unnest(
        ${lines.map((l) => l.workspaceId)}::text[], ${lines.map((l) => l.deploymentId)}::text[],
        ${lines.map((l) => l.releaseId)}::text[], ${lines.map((l) => l.instanceId)}::text[],
        ${lines.map((l) => l.stream)}::text[], ${lines.map((l) => l.line)}::text[],
        ${lines.map((l) => l.at)}::timestamptz[]
      ) with ordinality as l (workspace_id, deployment_id, release_id, instance_id, stream, line, at, position)
      join deployments d on d.id = l.deployment_id
      left join releases r on r.id = l.release_id
      order by l.position
      returning deployment_id
    )
    select pg_notify(${CHANNEL}, 'feed:' || deployment_id)
    from (select distinct deployment_id from written) as told`.execute(db)
}

const COLUMNS = ['id', 'at', 'stream', 'line', 'release_id', 'instance_id'] as const

function filtered(db: Handle, deploymentId: string, filter: LogLineFilter) {
  let query = db.selectFrom('log_lines').select(COLUMNS).where('deployment_id', '=', deploymentId)
  const { search, streams, since, until, releaseId, instanceId } = filter
  if (search !== undefined) query = query.where('line', 'ilike', `%${search.replaceAll(/[\\%_]/g, '\\$&')}%`)
  if (streams !== undefined) query = query.where('stream', 'in', streams)
  if (since !== undefined) query = query.where('at', '>=', since)
  if (until !== undefined) query = query.where('at', '<', until)
  if (releaseId !== undefined) query = query.where('release_id', '=', releaseId)
  if (instanceId !== undefined) query = query.where('instance_id', '=', instanceId)
  return query
}

/** Lines after a cursor, oldest first. */
export async function listLogLines(
  db: Handle,
  deploymentId: string,
  after: string,
  limit: number,
  filter: LogLineFilter = {},
): Promise<readonly LogLineRow[]> {
  return filtered(db, deploymentId, filter).where('id', '>', after).orderBy('id').limit(limit).execute()
}

/** The last lines of a deployment, or of one of its releases, oldest first. */
export async function lastLogLines(
  db: Handle,
  deploymentId: string,
  limit: number,
  releaseId?: string,
): Promise<readonly LogLineRow[]> {
  const rows = await filtered(db, deploymentId, { releaseId }).orderBy('id', 'desc').limit(limit).execute()
  return rows.toReversed()
}

/** Lines in one piece of a log, and where the piece before it ends: null when there is none. */
export interface LogPiece {
  /** Oldest first. */
  readonly rows: readonly LogLineRow[]
  readonly before: string | null
}

/**
 * The last lines like `filter` that came before a cursor. At most `window` lines are looked at, so that a search for what
 * occurs nowhere ends; then there are fewer than `limit`, and `before` says where to go on.
 */
export async function searchLogLines(
  db: Handle,
  deploymentId: string,
  filter: LogLineFilter,
  {
    before,
    limit,
    window,
  }: { readonly before?: string | undefined; readonly limit: number; readonly window: number },
): Promise<LogPiece> {
  let ids = db.selectFrom('log_lines').select('id').where('deployment_id', '=', deploymentId)
  if (before !== undefined) ids = ids.where('id', '<', before)
  const isNarrowed = Object.values(filter).some((wanted) => wanted !== undefined)
  // Of the index alone; the lines themselves are not read.
  const edge = isNarrowed
    ? await ids
        .orderBy('id', 'desc')
        .offset(window - 1)
        .limit(1)
        .executeTakeFirst()
    : undefined
  let query = filtered(db, deploymentId, filter)
  if (before !== undefined) query = query.where('id', '<', before)
  if (edge !== undefined) query = query.where('id', '>=', edge.id)
  const rows = await query.orderBy('id', 'desc').limit(limit).execute()
  const last = rows.length === limit ? rows.at(-1) : undefined
  return { rows: rows.toReversed(), before: last?.id ?? edge?.id ?? null }
}

const BATCH = 5000

/**
 * Deletes what is older than `days` and what is more than `lines` of each deployment, oldest first, some thousand lines a
 * transaction so that nobody waits for it. One replica at a time; another that comes meanwhile does nothing.
 * @returns how many lines went
 */
export async function deleteOldLogLines(
  db: Handle,
  { days, lines }: { readonly days: number; readonly lines: number },
  signal: AbortSignal,
): Promise<number> {
  const deployments = await db.selectFrom('deployments').select('id').execute()
  let deleted = 0
  for (const { id } of deployments) {
    for (;;) {
      if (signal.aborted) return deleted
      const count = await deleteBatch(db, id, days, lines)
      if (count === null) return deleted
      deleted += count
      if (count < BATCH) break
    }
  }
  return deleted
}

/** Null when another replica is at it. */
async function deleteBatch(
  db: Handle,
  deploymentId: string,
  days: number,
  lines: number,
): Promise<number | null> {
  return db.transaction().execute(async (tx) => {
    const lock = await sql<{ mine: boolean }>`
      select pg_try_advisory_xact_lock(hashtext('catwalk.log_retention')) as mine`.execute(tx)
    if (lock.rows[0]?.mine !== true) return null
    const { numAffectedRows } = await sql`
      with last_kept as (
        select coalesce((
          select id from log_lines where deployment_id = ${deploymentId}
          order by id desc offset ${lines - 1} limit 1
        ), 0) as id
      )
      delete from log_lines where id in (
        (select id from log_lines where deployment_id = ${deploymentId} and id < (select id from last_kept)
          order by id limit ${BATCH})
        union
        (select id from log_lines where deployment_id = ${deploymentId} and at < now() - make_interval(days => ${days})
          order by at limit ${BATCH})
        limit ${BATCH}
      )`.execute(tx)
    return Number(numAffectedRows ?? 0)
  })
}
