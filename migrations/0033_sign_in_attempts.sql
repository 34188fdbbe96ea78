-- Wrong attempts to sign in, counted over all replicas, for names that exist and names that do not alike.
create table sign_in_failures (
  -- SHA-256 of account and address, or of the account alone: people type passwords into the field for the name.
  key text primary key,
  count integer not null,
  last_at timestamptz not null,
  -- No further attempt is looked at before
  open_at timestamptz not null
);
create index sign_in_failures_last on sign_in_failures (last_at);

-- One-time codes that were shown to us, so that none is accepted twice (RFC 6238, section 5.2). What stands here opens
-- nothing any more.
create table used_codes (
  user_id text not null references users (id) on delete cascade,
  code text not null,
  used_at timestamptz not null default now(),
  primary key (user_id, code)
);
