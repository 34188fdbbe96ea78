-- Everything belongs to a workspace from the first day. Times are the database's.

create table workspaces (
  id text primary key,
  name text not null,
  personal boolean not null default false,
  created_at timestamptz not null default now()
);

create table settings (
  key text primary key,
  value jsonb not null,
  updated_at timestamptz not null default now()
);

create table nodes (
  id text primary key,
  started_at timestamptz not null default now(),
  heartbeat_at timestamptz not null default now()
);

create table api_keys (
  id text primary key,
  workspace_id text not null references workspaces (id) on delete cascade,
  name text not null,
  role text not null check (role in ('viewer', 'member', 'admin', 'owner')),
  hash bytea not null unique,
  prefix text not null,
  created_by text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  last_used_at timestamptz
);

create sequence deployment_slots as integer minvalue 1 maxvalue 60000 cycle;

create table deployments (
  id text primary key,
  workspace_id text not null references workspaces (id) on delete cascade,
  slug text not null unique,
  name text not null,
  source text not null,
  runtime text not null check (runtime in ('local', 'docker', 'fly', 'kubernetes', 'remote')),
  slot integer not null default nextval('deployment_slots') unique,
  desired text not null check (desired in ('running', 'stopped', 'deleted')),
  -- Counts up whenever the owner wants something, so that a reconciler which is busy cannot miss it.
  generation integer not null default 0,
  -- Counts up when the owner asks for a restart; the reconciler compares it with what the instance was started for.
  restart_count integer not null default 0,
  live_release_id text,
  -- Failures in a row since it last answered; decides the back-off.
  failures integer not null default 0,
  lease_holder text,
  lease_epoch bigint not null default 0,
  lease_expires_at timestamptz,
  next_at timestamptz default now(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index deployments_workspace on deployments (workspace_id, created_at desc);
create index deployments_due on deployments (next_at) where next_at is not null;

create table releases (
  id text primary key,
  workspace_id text not null references workspaces (id) on delete cascade,
  deployment_id text not null references deployments (id) on delete cascade,
  number integer not null,
  launch_spec jsonb not null,
  settings jsonb not null,
  -- name -> version of the credential it was made with
  credential_versions jsonb not null,
  state text not null check (state in ('pending', 'installing', 'starting', 'probing', 'live', 'superseded', 'failed')),
  lock_file text,
  manifest jsonb,
  -- {code, message, help, exitCode, signal, lastLines}: the post-mortem of a failed release
  error jsonb,
  created_by text not null,
  created_at timestamptz not null default now(),
  live_at timestamptz,
  unique (deployment_id, number)
);
alter table deployments add foreign key (live_release_id) references releases (id);

create table credentials (
  id text primary key,
  workspace_id text not null references workspaces (id) on delete cascade,
  deployment_id text not null references deployments (id) on delete cascade,
  name text not null,
  version integer not null,
  -- A Fernet token; see src/vault
  token text not null,
  key_id text not null,
  created_at timestamptz not null default now(),
  unique (deployment_id, name, version)
);

create table endpoint_tokens (
  id text primary key,
  workspace_id text not null references workspaces (id) on delete cascade,
  deployment_id text not null references deployments (id) on delete cascade,
  name text not null,
  hash bytea not null unique,
  prefix text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  last_used_at timestamptz
);
create index endpoint_tokens_deployment on endpoint_tokens (deployment_id);

create table instances (
  id text primary key,
  workspace_id text not null references workspaces (id) on delete cascade,
  deployment_id text not null references deployments (id) on delete cascade,
  release_id text not null references releases (id) on delete cascade,
  node_id text not null references nodes (id) on delete cascade,
  epoch bigint not null,
  restart_count integer not null,
  state text not null check (state in ('starting', 'ready')),
  started_at timestamptz not null default now()
);
create index instances_deployment on instances (deployment_id);
create index instances_release on instances (release_id);
create index instances_node on instances (node_id);

create table events (
  id bigint generated always as identity primary key,
  workspace_id text not null references workspaces (id) on delete cascade,
  deployment_id text not null references deployments (id) on delete cascade,
  release_id text references releases (id) on delete cascade,
  kind text not null,
  -- Why, in words a person reads.
  message text not null,
  data jsonb not null default '{}',
  at timestamptz not null default clock_timestamp()
);
create index events_deployment on events (deployment_id, id);

create table log_lines (
  id bigint generated always as identity primary key,
  workspace_id text not null references workspaces (id) on delete cascade,
  deployment_id text not null references deployments (id) on delete cascade,
  release_id text references releases (id) on delete cascade,
  stream text not null check (stream in ('stdout', 'stderr', 'system')),
  line text not null,
  at timestamptz not null
);
create index log_lines_deployment on log_lines (deployment_id, id);

-- Append-only. The chain (seq, hashes) is filled in after commit by one writer.
create table audit_entries (
  id text primary key,
  workspace_id text not null references workspaces (id) on delete cascade,
  actor_kind text not null,
  actor_id text not null,
  actor_label text not null,
  address text,
  action text not null,
  target text,
  outcome text not null check (outcome in ('done', 'refused', 'failed')),
  detail jsonb not null default '{}',
  at timestamptz not null default clock_timestamp(),
  seq bigint unique,
  previous_hash bytea,
  hash bytea
);
create index audit_entries_workspace on audit_entries (workspace_id, at desc);
