create table invitations (
  id text primary key,
  workspace_id text not null references workspaces (id) on delete cascade,
  role text not null check (role in ('viewer', 'member', 'admin', 'owner')),
  -- In lower case; null when whoever has the link may use it.
  email text,
  -- SHA-256 of the token in the link
  hash bytea not null unique,
  created_by text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index invitations_workspace on invitations (workspace_id);
