-- Somebody asks from a terminal to be let in, and approves it in a browser (RFC 8628).
create table device_logins (
  id text primary key,
  -- SHA-256 of what the terminal keeps to itself
  hash bytea not null unique,
  -- What the person compares, e.g. BCDFGHJK
  user_code text not null unique,
  -- What asked, in its own words
  client text not null,
  address text,
  -- Null until somebody has decided
  approved boolean,
  user_id text references users (id) on delete cascade,
  workspace_id text references workspaces (id) on delete cascade,
  role text check (role in ('viewer', 'member', 'admin', 'owner')),
  key_expires_in_days integer,
  interval_s integer not null,
  asked_at timestamptz,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index device_logins_expires on device_logins (expires_at);
