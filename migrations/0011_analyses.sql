-- What was found out about sources. A cache: nothing refers to it, and every row may go at any time.
create table analyses (
  id text primary key,
  workspace_id text not null references workspaces (id) on delete cascade,
  -- As it was asked for, e.g. npm:name, and with its exact commit or version, e.g. npm:name@1.2.3.
  source text not null,
  pinned text not null,
  source_commit text,
  -- The candidate that was asked for; '' for the likeliest.
  server text not null default '',
  boot boolean not null,
  model boolean not null,
  -- Another version may find other things.
  program_version text not null,
  result jsonb not null,
  duration_ms integer not null,
  created_at timestamptz not null default now(),
  unique (workspace_id, pinned, server, boot, model)
);
create index analyses_source on analyses (workspace_id, source);
create index analyses_created on analyses (created_at);
