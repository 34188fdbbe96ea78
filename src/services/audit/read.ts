import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import type { ServiceContext } from '../context.ts'

/** Entries of the workspace, newest first. */
export async function listAudit(
  ctx: ServiceContext,
  { query }: ParsedInput<'listAudit'>,
): Promise<RouteOutput<'listAudit'>> {
  const rows = await queries.listAudit(ctx.db, {
    workspaceId: ctx.actor.workspaceId,
    action: query.action,
    actor: query.actor,
    target: query.target,
    outcome: query.outcome,
    from: query.from === undefined ? undefined : new Date(query.from),
    to: query.to === undefined ? undefined : new Date(query.to),
    before: query.before,
    limit: query.limit,
  })
  return { items: rows.map(present) }
}

function present(row: queries.AuditRow): RouteOutput<'listAudit'>['items'][number] {
  return {
    id: row.id,
    at: row.at,
    actor: { kind: row.actor_kind, id: row.actor_id, label: row.actor_label },
    address: row.address,
    action: row.action,
    target: row.target,
    outcome: row.outcome,
    // Written by recordAudit only, from an object.
    detail: JSON.parse(row.detail) as Record<string, unknown>,
    seq: row.seq,
    hash: row.hash?.toString('hex') ?? null,
  }
}
