import type { ParsedInput, RouteOutput } from '../contract/index.ts'
import { queries } from '../db/index.ts'
import type { ServiceContext } from './context.ts'

/**
 * Who called what, newest first.
 * @throws CatwalkError `deployment_not_found`
 */
export async function listCalls(
  ctx: ServiceContext,
  { query }: ParsedInput<'listCalls'>,
): Promise<RouteOutput<'listCalls'>> {
  const { workspaceId } = ctx.actor
  const deploymentId =
    query.deployment === undefined
      ? undefined
      : await queries.deploymentId(ctx.db, workspaceId, query.deployment)
  const rows = await queries.listCalls(
    ctx.db,
    workspaceId,
    {
      deploymentId,
      token: query.token,
      name: query.tool,
      subject: query.subject,
      outcome: query.outcome,
      since: query.since === undefined ? undefined : new Date(query.since),
      until: query.until === undefined ? undefined : new Date(query.until),
      before: query.before,
    },
    query.limit,
  )
  return {
    items: rows.map((row) => ({
      id: row.id,
      at: row.at.toISOString(),
      deployment: { id: row.deployment_id, slug: row.slug },
      token: row.token_id === null ? null : { id: row.token_id, name: row.token_name },
      subject: row.subject,
      who: row.token_name ?? row.key_name ?? row.person ?? row.subject,
      person: row.person,
      method: row.method,
      name: row.name,
      outcome: row.outcome,
      durationMs: row.duration_ms,
      requestId: row.request_id,
      traceId: row.trace_id,
    })),
    // A full page may be followed by another one.
    before: rows.length === query.limit ? (rows.at(-1)?.id ?? null) : null,
  }
}
