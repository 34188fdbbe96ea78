import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import type { ServiceContext } from '../context.ts'

type LogLine = RouteOutput<'listLogs'>['items'][number]
type Event = RouteOutput<'listEvents'>['items'][number]

/** Lines that one request looks at: what a search that finds little costs at most. */
const WINDOW = 100_000

/**
 * Log lines after a cursor, or the last ones without it; oldest first.
 * @throws CatwalkError `deployment_not_found`, `release_not_found`
 */
export async function listLogs(
  ctx: ServiceContext,
  { params, query }: ParsedInput<'listLogs'>,
): Promise<RouteOutput<'listLogs'>> {
  const id = await queries.deploymentId(ctx.db, ctx.actor.workspaceId, params.id)
  const { after, before, limit } = query
  const filter: queries.LogLineFilter = {
    search: query.search,
    streams: query.stream === undefined ? undefined : STREAMS[query.stream],
    since: query.since === undefined ? undefined : new Date(query.since),
    until: query.until === undefined ? undefined : new Date(query.until),
    releaseId:
      query.release === undefined
        ? undefined
        : (await queries.findReleaseByNumber(ctx.db, id, query.release)).id,
    instanceId: query.instance,
  }
  if (after !== undefined) {
    const rows = await queries.listLogLines(ctx.db, id, after, limit, filter)
    return { items: rows.map(presentLogLine), before: null }
  }
  const piece = await queries.searchLogLines(ctx.db, id, filter, { before, limit, window: WINDOW })
  return { items: piece.rows.map(presentLogLine), before: piece.before }
}

const STREAMS = {
  stdout: ['stdout'],
  stderr: ['stderr'],
  system: ['system'],
  program: ['stdout', 'stderr'],
} as const

/**
 * Events after a cursor, oldest first.
 * @throws CatwalkError `deployment_not_found`
 */
export async function listEvents(
  ctx: ServiceContext,
  { params, query }: ParsedInput<'listEvents'>,
): Promise<RouteOutput<'listEvents'>> {
  const id = await queries.deploymentId(ctx.db, ctx.actor.workspaceId, params.id)
  const rows = await queries.listEvents(ctx.db, id, query.after ?? '0', query.limit)
  return { items: rows.map(presentEvent) }
}

/** A log line as the API shows it. */
export function presentLogLine(row: queries.LogLineRow): LogLine {
  return {
    id: row.id,
    at: row.at.toISOString(),
    stream: row.stream,
    line: row.line,
    releaseId: row.release_id,
    instanceId: row.instance_id,
  }
}

/** An event as the API shows it. */
export function presentEvent(row: queries.EventRow): Event {
  return {
    id: row.id,
    at: row.at.toISOString(),
    // Written by insertEvent only, from EventKind; `data` likewise from a record.
    kind: row.kind as queries.EventKind,
    message: row.message,
    releaseId: row.release_id,
    data: row.data as Record<string, unknown>,
  }
}
