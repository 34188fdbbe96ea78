-- Where a deployment comes from as it was asked for: a branch or tag that goes on, where `source` names one commit.
alter table deployments add column tracked text;

-- What is known of newer versions of what a deployment runs. One replica at a time looks, under a lease.
create table updates (
  deployment_id text primary key references deployments (id) on delete cascade,
  next_at timestamptz not null,
  -- Somebody wants to know now.
  asked boolean not null default false,
  lease_until timestamptz,
  lease_epoch integer not null default 0,
  phase text not null default 'idle' check (phase in ('idle', 'looking', 'trying')),
  failures integer not null default 0,
  checked_at timestamptz,
  failure text,
  -- The package that the rest was found for; another one that serves makes it void.
  base jsonb,
  -- What it could be moved to; null where there is nothing newer.
  candidate jsonb,
  version text,
  published_at timestamptz,
  deprecated text,
  -- What trying it out showed; null until then.
  trial jsonb,
  -- A version that nobody wants to hear of any more, and the one that was told of last.
  skipped text,
  told text
);
create index updates_next on updates (next_at);
