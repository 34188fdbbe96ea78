-- A server that keeps state for its sessions loses it with its process. A session then ends, instead of going on without.
alter table deployments add column stateful boolean not null default false;
