-- Values that each member brings for a deployment whose owner does not share one: under the row's own identity, and never
-- more than the newest. A changed value is a new row.
create table personal_credentials (
  id text primary key,
  workspace_id text not null,
  deployment_id text not null references deployments (id) on delete cascade,
  user_id text not null,
  name text not null,
  version integer not null,
  -- A Fernet token; see src/vault
  token text not null,
  key_id text not null,
  created_at timestamptz not null default now(),
  unique (deployment_id, user_id, name),
  -- Whoever leaves takes them along, in the transaction in which they leave.
  foreign key (workspace_id, user_id) references members (workspace_id, user_id) on delete cascade
);
create index personal_credentials_member on personal_credentials (workspace_id, user_id);

-- The process that was started with a value ends with it, whichever part of the program took it away.
create function announce_personal_credential() returns trigger language plpgsql as $$
begin
  perform pg_notify('catwalk', 'deployment:' || coalesce(new.deployment_id, old.deployment_id));
  return null;
end
$$;
create trigger personal_credentials_changed after insert or delete on personal_credentials
  for each row execute function announce_personal_credential();

-- Who made a token, and so for whom it calls where everybody brings their own credentials. Null: nobody.
alter table endpoint_tokens add column user_id text references users (id) on delete set null;
