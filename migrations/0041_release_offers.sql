-- What the server of a release was seen to offer to clients with certain capabilities, because that may depend on them.
create table release_offers (
  workspace_id text not null references workspaces (id) on delete cascade,
  release_id text not null references releases (id) on delete cascade,
  -- The names of the capabilities, in order; clients without any have the manifest of the release itself.
  capability_set text not null,
  -- Null: the same as clients without any are offered.
  offers jsonb,
  -- Tools as they were approved when the set was seen first, where nobody had seen them so before.
  approved jsonb not null default '[]',
  seen_at timestamptz not null default now(),
  primary key (release_id, capability_set)
);
create index release_offers_workspace on release_offers (workspace_id);
