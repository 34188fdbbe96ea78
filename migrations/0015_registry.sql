-- The mirror of public registries: what each lists, and how far it was read. A cache: every row may go at any time.
create table registry_sources (
  name text primary key check (name in ('official', 'glama')),
  url text not null,
  -- The crawl under way: its number, where it goes on, since when it asks for changes (null: everything), its pages.
  crawl bigint not null default 0,
  crawl_began_at timestamptz,
  crawl_since timestamptz,
  crawl_pages integer not null default 0,
  cursor text,
  next_at timestamptz not null default now(),
  -- Beginnings of the last crawls that came to their end: of any, and of everything.
  synced_at timestamptz,
  full_synced_at timestamptz,
  failed_at timestamptz,
  failure text,
  failures integer not null default 0,
  lease_holder text,
  lease_until timestamptz
);

create table registry_servers (
  source text not null references registry_sources (name) on delete cascade check (source in ('official', 'glama')),
  name text not null,
  title text,
  description text not null,
  version text,
  status text not null check (status in ('active', 'deprecated')),
  status_message text,
  repository text,
  -- host/owner/name in lower case: by it the same server is found in another registry.
  repository_key text,
  folder text not null,
  website text,
  license text,
  -- Names of its packages, one a line.
  identifiers text not null,
  document jsonb not null,
  published_at timestamptz,
  updated_at timestamptz,
  -- The last crawl that saw it.
  crawl bigint not null,
  -- Names are taken apart first, or they would be read as addresses and paths. That most namespaces begin with
  -- io.github says nothing of a server.
  search tsvector not null generated always as (
    setweight(to_tsvector('english', regexp_replace(coalesce(title, '') || ' ' || regexp_replace(name, '^.*/', ''), '[^[:alnum:]]+', ' ', 'g')), 'A')
    || setweight(to_tsvector('simple', regexp_replace(coalesce(title, '') || ' ' || regexp_replace(name, '^.*/', ''), '[^[:alnum:]]+', ' ', 'g')), 'A')
    || setweight(to_tsvector('simple', regexp_replace(regexp_replace(name, '^io\.github\.', '') || ' ' || identifiers, '[^[:alnum:]]+', ' ', 'g')), 'B')
    || setweight(to_tsvector('english', description), 'C')
    || setweight(to_tsvector('simple', description), 'C')
  ) stored,
  primary key (source, name)
);
create index registry_servers_search on registry_servers using gin (search);
create index registry_servers_repository on registry_servers (repository_key) where repository_key is not null;
create index registry_servers_updated on registry_servers (updated_at desc nulls last);
