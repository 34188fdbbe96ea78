-- Signing in to endpoints. A client is a program, a connection is what a person allowed it at one endpoint, an
-- authorization is one device of that client that redeemed a code.

create table oauth_clients (
  -- Ours, or the URL of the client's metadata document.
  id text primary key,
  kind text not null check (kind in ('registered', 'document', 'predefined')),
  -- Where it may be used; null for documents, and for what was registered at the root.
  deployment_id text references deployments (id) on delete cascade,
  name text not null,
  uri text,
  redirect_uris text[] not null,
  auth_method text not null check (auth_method in ('none', 'client_secret_post', 'client_secret_basic')),
  -- SHA-256
  secret_hash bytea,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  -- Of a document: until when this copy counts.
  fresh_until timestamptz
);
create index oauth_clients_deployment on oauth_clients (deployment_id);

create table oauth_connections (
  id text primary key,
  client_id text not null references oauth_clients (id) on delete cascade,
  user_id text not null references users (id) on delete cascade,
  deployment_id text not null references deployments (id) on delete cascade,
  -- What is remembered: asked for again with this redirect, it is not asked again.
  scopes text[] not null,
  redirect_uri text not null,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  unique (user_id, client_id, deployment_id)
);
create index oauth_connections_deployment on oauth_connections (deployment_id);
create index oauth_connections_client on oauth_connections (client_id);

create table oauth_authorizations (
  id text primary key,
  connection_id text not null references oauth_connections (id) on delete cascade,
  scopes text[] not null,
  created_at timestamptz not null default now(),
  -- Moved on by each refresh.
  expires_at timestamptz not null
);
create index oauth_authorizations_connection on oauth_authorizations (connection_id);

create table oauth_codes (
  -- SHA-256
  hash bytea primary key,
  connection_id text not null references oauth_connections (id) on delete cascade,
  redirect_uri text not null,
  -- Of PKCE, S256
  challenge text not null,
  scopes text[] not null,
  expires_at timestamptz not null,
  redeemed_at timestamptz,
  -- What it was redeemed for, which ends when the code comes a second time.
  authorization_id text references oauth_authorizations (id) on delete set null
);
create index oauth_codes_connection on oauth_codes (connection_id);
create index oauth_codes_authorization on oauth_codes (authorization_id);

create table oauth_refresh_tokens (
  -- SHA-256
  hash bytea primary key,
  authorization_id text not null references oauth_authorizations (id) on delete cascade,
  expires_at timestamptz not null,
  -- Kept after it was used, so that a second use is noticed.
  used_at timestamptz
);
create index oauth_refresh_tokens_authorization on oauth_refresh_tokens (authorization_id);
