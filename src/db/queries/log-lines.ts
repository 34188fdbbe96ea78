import { sql } from 'kysely'
import type { LogLine } from '../../domain/index.ts'
import type { Handle } from './handle.ts'

export interface LogLineRow {
  readonly id: string
  readonly at: Date
  readonly stream: 'stdout' | 'stderr' | 'system'
  readonly line: string
  readonly release_id: string | null
}

/**
 * Writes a batch in one statement. Lines of deployments or releases that are gone by now are dropped.
 */
export async function insertLogLines(db: Handle, lines: readonly LogLine[]): Promise<void> {
  if (lines.length === 0) return
  await sql`
    insert into log_lines (workspace_id, deployment_id, release_id, stream, line, at)
    select l.workspace_id, l.deployment_id, r.id, l.stream, l.line, l.at
    from unnest(
      ${lines.map((l) => l.workspaceId)}::text[], ${lines.map((l) => l.deploymentId)}::text[],
      ${lines.map((l) => l.releaseId)}::text[], ${lines.map((l) => l.stream)}::text[],
      ${lines.map((l) => l.line)}::text[], ${lines.map((l) => l.at)}::timestamptz[]
    ) with ordinality as l (workspace_id, deployment_id, release_id, stream, line, at, position)
    join deployments d on d.id = l.deployment_id
    left join releases r on r.id = l.release_id
    order by l.position`.execute(db)
}

const COLUMNS = ['id', 'at', 'stream', 'line', 'release_id'] as const

/** Lines after a cursor, oldest first. */
export async function listLogLines(
  db: Handle,
  deploymentId: string,
  after: string,
  limit: number,
): Promise<readonly LogLineRow[]> {
  const rows = await db
    .selectFrom('log_lines')
    .select(COLUMNS)
    .where('deployment_id', '=', deploymentId)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows
}

/** The last lines of a deployment, or of one of its releases, oldest first. */
export async function lastLogLines(
  db: Handle,
  deploymentId: string,
  limit: number,
  releaseId?: string,
): Promise<readonly LogLineRow[]> {
  let query = db.selectFrom('log_lines').select(COLUMNS).where('deployment_id', '=', deploymentId)
  if (releaseId !== undefined) query = query.where('release_id', '=', releaseId)
  const rows = await query.orderBy('id', 'desc').limit(limit).execute()
  return rows.toReversed()
}

/** Deletes what is older than the retention. Returns how many lines went. */
export async function deleteOldLogLines(db: Handle, retentionDays: number): Promise<number> {
  const result = await sql`
    delete from log_lines where at < now() - make_interval(days => ${retentionDays})`.execute(db)
  return Number(result.numAffectedRows ?? 0)
}
