-- Whether a deployment is without an instance until somebody calls it.
alter table deployments add column asleep boolean not null default false;
alter table deployments add column always_on boolean not null default false;
-- Seconds without a call after which it falls asleep; null for the installation's own.
alter table deployments add column idle_timeout_s integer check (idle_timeout_s between 1 and 604800);
-- unhealthy: it runs, and does not answer its health check.
alter table instances drop constraint instances_state_check;
alter table instances add constraint instances_state_check check (state in ('starting', 'ready', 'unhealthy'));
