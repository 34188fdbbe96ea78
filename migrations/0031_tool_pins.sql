-- Definitions of tools are approved with their release: hashes by name. What a running server shows beside them is kept
-- until somebody decides about it.
alter table releases add column tool_pins jsonb;
alter table releases add column tool_sightings jsonb not null default '{}';
alter table deployments add column tool_pinning text not null default 'changed'
  check (tool_pinning in ('off', 'changed', 'strict'));
