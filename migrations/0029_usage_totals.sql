-- Counters of hours and days, written together with those of minutes, so that minutes need not be kept for long.
create table usage_totals (
  span text not null check (span in ('hour', 'day')),
  -- Begin of the hour or of the day, in UTC.
  start timestamptz not null,
  workspace_id text not null references workspaces (id) on delete cascade,
  deployment_id text not null references deployments (id) on delete cascade,
  -- Empty where there is none, so that it can be part of the key.
  token_id text not null,
  method text not null,
  name text not null,
  calls integer not null,
  errors integer not null,
  -- Calls by bucket: src/domain/calls.ts has the bounds.
  latency integer[] not null,
  primary key (deployment_id, span, start, token_id, method, name)
);
create index usage_totals_workspace on usage_totals (workspace_id, span, start);
create index usage_totals_start on usage_totals (span, start);

insert into usage_totals (span, start, workspace_id, deployment_id, token_id, method, name, calls, errors, latency)
select s.span, date_trunc(s.span, m.minute, 'UTC'), m.workspace_id, m.deployment_id, m.token_id, m.method, m.name,
  sum(m.calls), sum(m.errors),
  array[
    coalesce(sum(m.latency[1]), 0), coalesce(sum(m.latency[2]), 0), coalesce(sum(m.latency[3]), 0),
    coalesce(sum(m.latency[4]), 0), coalesce(sum(m.latency[5]), 0), coalesce(sum(m.latency[6]), 0),
    coalesce(sum(m.latency[7]), 0), coalesce(sum(m.latency[8]), 0), coalesce(sum(m.latency[9]), 0),
    coalesce(sum(m.latency[10]), 0), coalesce(sum(m.latency[11]), 0), coalesce(sum(m.latency[12]), 0),
    coalesce(sum(m.latency[13]), 0), coalesce(sum(m.latency[14]), 0), coalesce(sum(m.latency[15]), 0)
  ]::integer[]
from usage_minutes m cross join (values ('hour'), ('day')) as s (span)
group by s.span, date_trunc(s.span, m.minute, 'UTC'), m.workspace_id, m.deployment_id, m.token_id, m.method, m.name;

-- How long instances were awake, and with how much memory.
create table usage_memory (
  -- Begin of the hour, in UTC.
  hour timestamptz not null,
  workspace_id text not null references workspaces (id) on delete cascade,
  deployment_id text not null references deployments (id) on delete cascade,
  runtime text not null,
  awake_ms bigint not null,
  -- Time awake times the memory limit.
  mib_ms bigint not null,
  primary key (deployment_id, hour, runtime)
);
create index usage_memory_workspace on usage_memory (workspace_id, hour);
create index usage_memory_hour on usage_memory (hour);
