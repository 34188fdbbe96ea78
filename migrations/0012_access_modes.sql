-- How callers of the endpoint show who they are; those that there are go on with tokens.
alter table deployments add column access text not null default 'token' check (access in ('token', 'oauth', 'both', 'public'));
