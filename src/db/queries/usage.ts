import { sql, type RawBuilder } from 'kysely'
import { LATENCY_BOUNDS_MS, rolledUp, type UsageMinute, type UsageSpan } from '../../domain/index.ts'
import type { Handle } from './handle.ts'

/** Adds to the counters of minutes, hours and days, one statement each for a whole batch. */
export async function addUsage(db: Handle, minutes: readonly UsageMinute[]): Promise<void> {
  if (minutes.length === 0) return
  await addTo(db, sql`usage_minutes as u (minute,`, sql``, sql`deployment_id, minute`, minutes)
  for (const span of ['hour', 'day'] as const) {
    const key = sql`deployment_id, span, start`
    await addTo(db, sql`usage_totals as u (span, start,`, sql`${span},`, key, rolledUp(minutes, span))
  }
}

async function addTo(
  db: Handle,
  into: RawBuilder<unknown>,
  span: RawBuilder<unknown>,
  key: RawBuilder<unknown>,
  counters: readonly UsageMinute[],
): Promise<void> {
  const column = <K extends keyof UsageMinute>(name: K) => counters.map((counter) => counter[name])
  await sql`
    insert into ${into} workspace_id, deployment_id, token_id, method, name, calls, errors, latency)
    select ${span} c.start, d.workspace_id, d.id, c.token_id, c.method, c.name, c.calls, c.errors, c.latency::integer[]
    from unnest(
      ${column('minute')}::timestamptz[], ${column('deploymentId')}::text[], ${column('tokenId')}::text[],
      ${column('method')}::text[], ${column('name')}::text[], ${column('calls')}::integer[],
      ${column('errors')}::integer[], ${counters.map(({ latency }) => `{${latency.join(',')}}`)}::text[]
    ) as c (start, deployment_id, token_id, method, name, calls, errors, latency)
    join deployments d on d.id = c.deployment_id
    -- Replicas that write the same counters lock them in the same order.
    order by d.id, c.start, c.token_id, c.method, c.name
    on conflict (${key}, token_id, method, name) do update set
      calls = u.calls + excluded.calls,
      errors = u.errors + excluded.errors,
      latency = array(
        select coalesce(a, 0) + coalesce(b, 0)
        from unnest(u.latency, excluded.latency) with ordinality as both_of (a, b, bucket) order by bucket
      )`.execute(db)
}

export interface UsageFilter {
  readonly workspaceId: string
  readonly deploymentId?: string | undefined
  /** Begin of a span. */
  readonly since: Date
  readonly until: Date
}

export interface UsageRow {
  readonly calls: number
  readonly errors: number
  /** By bucket, see LATENCY_BOUNDS_MS. */
  readonly latency: readonly number[]
}

/** What is counted together: which deployment, token, method and name; the others are null. */
export interface UsageGroupRow extends UsageRow {
  readonly deployment_id: string | null
  readonly token_id: string | null
  readonly method: string | null
  readonly name: string | null
  /** Of the deployment, or of a token or client that is still there. */
  readonly label: string | null
}

const SUMS = sql`sum(u.calls)::float8 as calls, sum(u.errors)::float8 as errors, array[${sql.join(
  [...LATENCY_BOUNDS_MS, Infinity].map(
    (_, bucket) => sql`coalesce(sum(u.latency[${sql.lit(bucket + 1)}]), 0)::float8`,
  ),
)}] as latency`

function counted(span: UsageSpan, { workspaceId, deploymentId, since, until }: UsageFilter) {
  const table =
    span === 'minute'
      ? sql`(select *, minute as start from usage_minutes)`
      : sql`(select * from usage_totals where span = ${span})`
  return sql`
    from ${table} u
    where u.workspace_id = ${workspaceId} and u.start >= ${since} and u.start < ${until}
      and (${deploymentId ?? null}::text is null or u.deployment_id = ${deploymentId})`
}

/** Counters by time; where nothing was counted there is no row. */
export async function usageOverTime(
  db: Handle,
  span: UsageSpan,
  filter: UsageFilter,
): Promise<readonly (UsageRow & { readonly start: Date })[]> {
  const { rows } = await sql<UsageRow & { start: Date }>`
    select u.start, ${SUMS} ${counted(span, filter)} group by u.start order by u.start`.execute(db)
  return rows
}

/** Counters by what was called, with which token, or which deployment; the most called first. */
export async function usageByGroup(
  db: Handle,
  span: UsageSpan,
  filter: UsageFilter,
  by: 'tool' | 'token' | 'deployment',
  limit: number,
): Promise<readonly UsageGroupRow[]> {
  const keys = {
    tool: sql`null as deployment_id, null as token_id, u.method, u.name`,
    token: sql`null as deployment_id, u.token_id, null as method, null as name`,
    deployment: sql`u.deployment_id, null as token_id, null as method, null as name`,
  }[by]
  const groups = { tool: sql`u.method, u.name`, token: sql`u.token_id`, deployment: sql`u.deployment_id` }[by]
  const { rows } = await sql<UsageGroupRow>`
    select g.*, coalesce(d.name, t.name, k.name) as label
    from (select ${keys}, ${SUMS} ${counted(span, filter)} group by ${groups}) g
    left join deployments d on d.id = g.deployment_id
    left join endpoint_tokens t on t.id = g.token_id
    left join oauth_connections o on o.id = g.token_id
    left join oauth_clients k on k.id = o.client_id
    order by g.calls desc, g.deployment_id, g.token_id, g.method, g.name
    limit ${limit}`.execute(db)
  return rows
}

export interface SubjectRow {
  readonly subject: string
  /** Of a person, token or client that is still there. */
  readonly label: string | null
  readonly calls: number
  readonly errors: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** The record of calls by who called, the most frequent first. Calls that were turned away for their number are not in it. */
export async function usageBySubject(
  db: Handle,
  { workspaceId, deploymentId, since, until }: UsageFilter,
  limit: number,
): Promise<readonly SubjectRow[]> {
  const { rows } = await sql<SubjectRow>`
    select g.*, coalesce(p.name, t.name) as label
    from (
      select c.subject, count(*)::float8 as calls,
        (count(*) filter (where c.outcome not in ('ok', 'cancelled')))::float8 as errors,
        percentile_cont(0.5) within group (order by c.duration_ms) as p50,
        percentile_cont(0.95) within group (order by c.duration_ms) as p95,
        percentile_cont(0.99) within group (order by c.duration_ms) as p99
      from calls c
      where c.workspace_id = ${workspaceId} and c.at >= ${since} and c.at < ${until}
        and (${deploymentId ?? null}::text is null or c.deployment_id = ${deploymentId})
      group by c.subject
    ) g
    left join users p on p.id = g.subject
    left join endpoint_tokens t on t.id = g.subject
    order by g.calls desc, g.subject
    limit ${limit}`.execute(db)
  return rows
}

/** How long one release of a deployment was awake within an hour. */
export interface AwakeTime {
  readonly deploymentId: string
  readonly releaseId: string
  /** Begin of the hour. */
  readonly hour: Date
  readonly awakeMs: number
}

/** Adds time awake. The memory limit and the runtime are those of the release. */
export async function addAwakeTimes(db: Handle, times: readonly AwakeTime[]): Promise<void> {
  if (times.length === 0) return
  const column = <K extends keyof AwakeTime>(name: K) => times.map((time) => time[name])
  await sql`
    insert into usage_memory as u (hour, workspace_id, deployment_id, runtime, awake_ms, mib_ms)
    select a.hour, d.workspace_id, d.id, r.settings ->> 'runtime', sum(a.awake_ms),
      sum(a.awake_ms * (r.settings ->> 'memoryMiB')::bigint)
    from unnest(
      ${column('hour')}::timestamptz[], ${column('deploymentId')}::text[], ${column('releaseId')}::text[],
      ${times.map(({ awakeMs }) => Math.round(awakeMs))}::bigint[]
    ) as a (hour, deployment_id, release_id, awake_ms)
    join deployments d on d.id = a.deployment_id
    join releases r on r.id = a.release_id
    group by a.hour, d.workspace_id, d.id, r.settings ->> 'runtime'
    order by d.id, a.hour
    on conflict (deployment_id, hour, runtime) do update set
      awake_ms = u.awake_ms + excluded.awake_ms, mib_ms = u.mib_ms + excluded.mib_ms`.execute(db)
}

export interface AwakeRow {
  readonly deployment_id: string
  readonly slug: string
  readonly name: string
  readonly runtime: string
  readonly awake_ms: number
  readonly mib_ms: number
  readonly calls: number
}

/** Time awake by deployment and runtime, with the calls of the deployment in that time. */
export async function awakeByDeployment(db: Handle, filter: UsageFilter): Promise<readonly AwakeRow[]> {
  const { workspaceId, deploymentId, since, until } = filter
  const { rows } = await sql<AwakeRow>`
    select d.id as deployment_id, d.slug, d.name, coalesce(m.runtime, d.runtime) as runtime,
      coalesce(m.awake_ms, 0)::float8 as awake_ms, coalesce(m.mib_ms, 0)::float8 as mib_ms,
      coalesce(c.calls, 0)::float8 as calls
    from deployments d
    left join (
      select deployment_id, runtime, sum(awake_ms) as awake_ms, sum(mib_ms) as mib_ms
      from usage_memory where workspace_id = ${workspaceId} and hour >= ${since} and hour < ${until}
      group by deployment_id, runtime
    ) m on m.deployment_id = d.id
    left join (
      select deployment_id, sum(calls) as calls
      from usage_totals
      where workspace_id = ${workspaceId} and span = 'hour' and start >= ${since} and start < ${until}
      group by deployment_id
    ) c on c.deployment_id = d.id
    where d.workspace_id = ${workspaceId} and d.kind = 'server' and (${deploymentId ?? null}::text is null or d.id = ${deploymentId})
    order by d.name, d.id, runtime`.execute(db)
  return rows
}

export interface UsageRetention {
  readonly callDays: number
  readonly minuteDays: number
  readonly hourDays: number
  readonly dayDays: number
}

const before = (days: number) => sql`now() - make_interval(days => ${days})`

/** Deletes what is older than the retentions. */
export async function deleteOldUsage(db: Handle, retention: UsageRetention): Promise<void> {
  const { callDays, minuteDays, hourDays, dayDays } = retention
  await sql`delete from calls where at < ${before(callDays)}`.execute(db)
  await sql`delete from usage_minutes where minute < ${before(minuteDays)}`.execute(db)
  await sql`delete from usage_totals where span = 'hour' and start < ${before(hourDays)}`.execute(db)
  await sql`delete from usage_totals where span = 'day' and start < ${before(dayDays)}`.execute(db)
  await sql`delete from usage_memory where hour < ${before(dayDays)}`.execute(db)
}
