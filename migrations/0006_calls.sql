-- Who called what, when and with what outcome; never with what arguments. Written in batches, deleted after a while.

create table calls (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  workspace_id text not null references workspaces (id) on delete cascade,
  deployment_id text not null references deployments (id) on delete cascade,
  -- Revoked tokens are gone, their calls are not.
  token_id text,
  subject text not null,
  method text,
  -- The tool, prompt or resource.
  name text,
  outcome text not null check (outcome in ('ok', 'tool_error', 'error', 'cancelled', 'failed', 'limited', 'unavailable')),
  duration_ms real not null,
  request_id text not null,
  trace_id text
);
create index calls_workspace on calls (workspace_id, id desc);
create index calls_deployment on calls (deployment_id, id desc);
create index calls_at on calls (at);

create table usage_minutes (
  minute timestamptz not null,
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
  primary key (deployment_id, minute, token_id, method, name)
);
create index usage_minutes_workspace on usage_minutes (workspace_id, minute);
create index usage_minutes_minute on usage_minutes (minute);
