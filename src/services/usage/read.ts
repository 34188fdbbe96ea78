import type { ParsedInput, RouteOutput } from '../../contract/index.ts'
import { queries } from '../../db/index.ts'
import {
  addedUp,
  beginOf,
  beginsBetween,
  CatwalkError,
  percentileMs,
  spanFor,
  type UsageSpan,
} from '../../domain/index.ts'
import type { ServiceContext } from '../context.ts'

type Usage = RouteOutput<'getUsage'>
type Figures = Usage['total']
type Group = Usage['groups'][number]

const DAY_MS = 86_400_000
const LONGEST_DAYS = 750
const GROUPS = 100

/**
 * Calls, errors and latency of a workspace or of one deployment: in all, over time, and by what was called or by whom.
 * @throws CatwalkError `deployment_not_found`, `invalid_request` for a range that is none
 */
export async function getUsage(ctx: ServiceContext, { query }: ParsedInput<'getUsage'>): Promise<Usage> {
  const { since, until } = rangeOf(ctx, query)
  const span = query.step ?? spanFor(since, until)
  if (span === 'minute' && until.getTime() - since.getTime() > DAY_MS) {
    throw new CatwalkError('invalid_request', 'Minutes are shown of one day at most.')
  }
  const deploymentId = await deploymentOf(ctx, query.deployment)
  const filter = { workspaceId: ctx.actor.workspaceId, deploymentId, since: beginOf(span, since), until }
  const by = query.by ?? (deploymentId === undefined ? 'deployment' : 'tool')
  // As of one moment: a sum says the same as its parts, though calls are written meanwhile.
  const { rows, groups } = await ctx.db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (tx) => ({
      rows: await queries.usageOverTime(tx, span, filter),
      groups: await groupsBy(tx, by, span, filter),
    }))
  const byTime = new Map(rows.map((row) => [row.start.getTime(), row]))
  const total = rows.reduce((sum, row) => added(sum, row), NOTHING)
  return {
    since: filter.since.toISOString(),
    until: until.toISOString(),
    step: span,
    by,
    total: figures(total),
    series: beginsBetween(span, since, until).map((at) => ({
      at: at.toISOString(),
      ...figures(byTime.get(at.getTime()) ?? NOTHING),
    })),
    groups,
  }
}

/** The range that is asked for: the last seven days unless told. */
export function rangeOf(
  ctx: ServiceContext,
  query: { readonly since?: string | undefined; readonly until?: string | undefined },
): { readonly since: Date; readonly until: Date } {
  const until = query.until === undefined ? ctx.clock.now() : new Date(query.until)
  const since = query.since === undefined ? new Date(until.getTime() - 7 * DAY_MS) : new Date(query.since)
  const ms = until.getTime() - since.getTime()
  if (ms > 0 && ms <= LONGEST_DAYS * DAY_MS) return { since, until }
  throw new CatwalkError(
    'invalid_request',
    `The time must begin before it ends, and hold at most ${LONGEST_DAYS} days.`,
  )
}

export async function deploymentOf(
  ctx: ServiceContext,
  idOrSlug: string | undefined,
): Promise<string | undefined> {
  return idOrSlug === undefined ? undefined : queries.deploymentId(ctx.db, ctx.actor.workspaceId, idOrSlug)
}

const NOTHING: queries.UsageRow = { calls: 0, errors: 0, latency: [] }

function added(one: queries.UsageRow, other: queries.UsageRow): queries.UsageRow {
  return {
    calls: one.calls + other.calls,
    errors: one.errors + other.errors,
    latency: addedUp(one.latency, other.latency),
  }
}

function figures({ calls, errors, latency }: queries.UsageRow): Figures {
  return {
    calls,
    errors,
    p50Ms: percentileMs(latency, 0.5),
    p95Ms: percentileMs(latency, 0.95),
    p99Ms: percentileMs(latency, 0.99),
  }
}

async function groupsBy(
  db: queries.Handle,
  by: Usage['by'],
  span: UsageSpan,
  filter: queries.UsageFilter,
): Promise<Group[]> {
  if (by === 'subject') {
    const rows = await queries.usageBySubject(db, filter, GROUPS)
    return rows.map(({ subject, label, calls, errors, p50, p95, p99 }) => ({
      key: subject,
      label: label ?? subject,
      calls,
      errors,
      p50Ms: p50,
      p95Ms: p95,
      p99Ms: p99,
    }))
  }
  const rows = await queries.usageByGroup(db, span, filter, by, GROUPS)
  return rows.map((row) => ({ ...nameOf(by, row), ...figures(row) }))
}

function nameOf(
  by: 'tool' | 'token' | 'deployment',
  { deployment_id: deployment, token_id: token, method, name, label }: queries.UsageGroupRow,
): Pick<Group, 'key' | 'label'> {
  switch (by) {
    case 'deployment':
      return { key: deployment ?? '', label: label ?? deployment ?? '' }
    case 'token':
      return token === null || token === ''
        ? { key: '', label: 'People and API keys' }
        : { key: token, label: label ?? token }
    case 'tool':
      return { key: `${method ?? ''} ${name ?? ''}`.trim(), label: wordsOf(method ?? '', name ?? '') }
  }
}

function wordsOf(method: string, name: string): string {
  if (method === '') return 'Turned away by the gateway'
  if (name === '') return method
  return method === 'tools/call' ? name : `${method} ${name}`
}
