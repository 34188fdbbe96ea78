-- Where a service ends tokens (RFC 7009); null: it cannot be asked to.
alter table account_providers add column revocation_url text;

-- Accounts that are forgotten here, whose tokens are still to be ended at their service.
create table account_revocations (
  -- That of the account, which its tokens are bound to.
  id text primary key,
  provider_id text not null references account_providers (id) on delete cascade,
  token text not null,
  key_id text not null,
  attempts integer not null default 0,
  next_at timestamptz not null default now()
);
create index account_revocations_due on account_revocations (next_at);
create index account_revocations_provider on account_revocations (provider_id);

-- However an account goes: somebody disconnects it or leaves, or its deployment is deleted.
create function note_forgotten_account() returns trigger language plpgsql as $$
begin
  insert into account_revocations (id, provider_id, token, key_id)
  select old.id, old.provider_id, old.token, old.key_id
  from account_providers where id = old.provider_id and revocation_url is not null;
  return null;
end
$$;
create trigger note_forgotten_account after delete on connected_accounts
for each row execute function note_forgotten_account();
