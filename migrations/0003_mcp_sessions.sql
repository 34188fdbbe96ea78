-- What MCP sessions leave behind outside their tokens, until the tokens expire: that one was ended, or what its client
-- asked for.

create table mcp_sessions (
  deployment_id text not null references deployments (id) on delete cascade,
  -- The random id in the token.
  id text not null,
  ended boolean not null default false,
  level text,
  subscriptions text[] not null default '{}',
  expires_at timestamptz not null,
  primary key (deployment_id, id)
);
create index mcp_sessions_expiry on mcp_sessions (expires_at);
