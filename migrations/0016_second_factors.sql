-- The accounts library's tables for one-time codes and passkeys, in our names; src/auth maps its fields to these columns.
alter table users add column two_factor_enabled boolean not null default false;

create table two_factors (
  id text primary key,
  user_id text not null unique references users (id) on delete cascade,
  -- Both encrypted under the accounts secret
  secret text not null,
  backup_codes text not null,
  -- False until its first code was entered
  verified boolean not null default true,
  failed_verification_count integer not null default 0,
  locked_until timestamptz
);

create table passkeys (
  id text primary key,
  user_id text not null references users (id) on delete cascade,
  name text,
  public_key text not null,
  credential_id text not null unique,
  -- Unsigned 32 bits in WebAuthn, which is more than an integer holds here
  counter double precision not null,
  device_type text not null,
  backed_up boolean not null,
  transports text,
  aaguid text,
  created_at timestamptz default now()
);
create index passkeys_user on passkeys (user_id);
