-- Services where people have accounts, as a workspace has registered itself with them (OAuth 2.0 clients).
create table account_providers (
  id text primary key,
  workspace_id text not null references workspaces (id) on delete cascade,
  name text not null,
  authorization_url text not null,
  token_url text not null,
  -- What the provider calls itself in `iss` (RFC 9207); null: the origin of its authorization endpoint.
  issuer text,
  scopes text[] not null,
  -- Sent along to the authorization endpoint.
  parameters jsonb not null,
  client_id text not null,
  auth_method text not null check (auth_method in ('client_secret_post', 'client_secret_basic', 'none')),
  -- The client secret, a Fernet token; of an empty text when there is none.
  token text not null,
  key_id text not null,
  created_at timestamptz not null default now(),
  unique (workspace_id, name)
);

-- An account that was connected: what its provider gave, to be renewed with. The value that a server gets of it is in
-- personal_credentials.
create table connected_accounts (
  id text primary key,
  workspace_id text not null references workspaces (id) on delete cascade,
  deployment_id text not null references deployments (id) on delete cascade,
  -- Whose it is; null: it serves everybody.
  user_id text,
  -- The credential that it is for.
  name text not null,
  provider_id text not null references account_providers (id) on delete cascade,
  -- {"accessToken", "refreshToken"}, a Fernet token.
  token text not null,
  key_id text not null,
  -- Counts up with each token.
  version integer not null default 1,
  state text not null check (state in ('connected', 'broken')),
  -- Why it must be connected again, in words.
  problem text,
  -- Null: the provider does not say, so it is not renewed.
  expires_at timestamptz,
  -- When it is to be renewed.
  refresh_at timestamptz,
  -- Who renews it right now has until then; nobody else may.
  lease_until timestamptz,
  failures integer not null default 0,
  connected_by text not null,
  connected_at timestamptz not null default now(),
  foreign key (workspace_id, user_id) references members (workspace_id, user_id) on delete cascade
);
create unique index connected_accounts_own on connected_accounts (deployment_id, name, user_id) where user_id is not null;
create unique index connected_accounts_shared on connected_accounts (deployment_id, name) where user_id is null;
create index connected_accounts_due on connected_accounts (refresh_at) where refresh_at is not null;
create index connected_accounts_member on connected_accounts (workspace_id, user_id);
create index connected_accounts_provider on connected_accounts (provider_id);

-- The value of an account that serves everybody is nobody's own.
alter table personal_credentials alter column user_id drop not null;
create unique index personal_credentials_shared on personal_credentials (deployment_id, name) where user_id is null;
-- Whether it came by renewing a token: then calls under way are let finish.
alter table personal_credentials add column renewed boolean not null default false;
