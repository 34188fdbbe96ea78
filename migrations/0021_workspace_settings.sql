-- Keys and tokens that a workspace brings along for services outside; null columns hold nothing to show.
create table workspace_settings (
  id text primary key,
  workspace_id text not null references workspaces (id) on delete cascade,
  name text not null,
  -- A Fernet token under the key of this row.
  token text not null,
  key_id text not null,
  -- What may be shown of the value.
  masked text not null,
  -- Whom the service took the key for, where it says so.
  account text,
  checked_at timestamptz not null default now(),
  unique (workspace_id, name)
);
