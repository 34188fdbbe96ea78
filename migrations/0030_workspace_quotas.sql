-- What a workspace may use, where it differs from what the installation allows every workspace. Null: as for every one;
-- 0: no limit.
create table workspace_quotas (
  workspace_id text primary key references workspaces (id) on delete cascade,
  deployments integer check (deployments >= 0),
  memory_mib integer check (memory_mib >= 0),
  calls_per_minute integer check (calls_per_minute >= 0),
  concurrent_calls integer check (concurrent_calls >= 0),
  updated_at timestamptz not null default now()
);
