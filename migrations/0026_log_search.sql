-- Lines are found by time and by the instance that printed them, and deleted by age one deployment after the other.
alter table log_lines add column instance_id text;
create index log_lines_deployment_at on log_lines (deployment_id, at);
