alter table endpoint_tokens add column scope text not null default 'full' check (scope in ('read', 'full'));
-- Set while a token that was rotated still works beside the one that replaces it.
alter table endpoint_tokens add column replaced_by text;
