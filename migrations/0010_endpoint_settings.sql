-- What the owner may change of an endpoint without a new release. keeps_data is one of these settings as well.
alter table deployments add column allowed_origins text[] not null default '{}';
alter table deployments add column processes text not null default 'auto' check (processes in ('auto', 'shared', 'per-session'));
