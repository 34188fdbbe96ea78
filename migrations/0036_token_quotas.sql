-- What one endpoint token may, where that is less than every token may. Null: as every one.
alter table endpoint_tokens add column calls_per_minute integer check (calls_per_minute > 0);
alter table endpoint_tokens add column concurrent_calls integer check (concurrent_calls > 0);
