-- Where a workspace wants to be told what happens: addresses of webhooks and of mail.
create table notice_channels (
  id text primary key,
  workspace_id text not null references workspaces (id) on delete cascade,
  kind text not null check (kind in ('webhook', 'mail')),
  -- What is shown of the address, which may hold a secret; the address itself is a Fernet token under the key of this row.
  shown text not null,
  token text not null,
  key_id text not null,
  notices text[] not null,
  -- Counts the secrets that webhooks were signed with.
  secret_version integer not null default 1,
  created_by text not null,
  created_at timestamptz not null default now()
);
create index notice_channels_workspace on notice_channels (workspace_id);

-- What is to be told, written with what happened; and what became of it at each address.
create table notices (
  id text primary key,
  workspace_id text not null references workspaces (id) on delete cascade,
  at timestamptz not null default now(),
  kind text not null,
  deployment_id text,
  deployment jsonb,
  message text not null,
  -- Of what is told once only.
  once text,
  unique (workspace_id, once)
);
create index notices_workspace on notices (workspace_id, at);
create table notice_deliveries (
  notice_id text not null references notices (id) on delete cascade,
  channel_id text not null references notice_channels (id) on delete cascade,
  state text not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
  attempts integer not null default 0,
  next_at timestamptz not null default now(),
  lease_until timestamptz,
  error text,
  ended_at timestamptz,
  primary key (notice_id, channel_id)
);
create index notice_deliveries_due on notice_deliveries (next_at) where state = 'pending';
