-- A collection has a row in deployments too, because it has what belongs to an endpoint: slug, tokens, connections, access.
-- It is never due and never runs; whatever is about servers leaves it out by its kind.
alter table deployments add column kind text not null default 'server' check (kind in ('server', 'collection'));

create table collections (
  deployment_id text primary key references deployments (id) on delete cascade,
  -- Whether tools are listed, or found with a tool that searches; auto: searched for when there are more than search_over.
  listing text not null default 'auto' check (listing in ('auto', 'flat', 'search')),
  search_over integer not null default 60 check (search_over > 0)
);

create table collection_members (
  collection_id text not null references collections (deployment_id) on delete cascade,
  deployment_id text not null references deployments (id) on delete cascade,
  prefix text not null,
  position integer not null,
  primary key (collection_id, deployment_id)
);
create unique index collection_members_prefix on collection_members (collection_id, lower(prefix));
create index collection_members_deployment on collection_members (deployment_id);
