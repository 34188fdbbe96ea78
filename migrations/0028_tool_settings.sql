-- What owners set for single tools, by the names that the server gives them: switched off, renamed, described otherwise.
alter table deployments add column tool_settings jsonb not null default '{}';
