-- Calls are copied in by the thousand. To look up the deployment and the workspace of each of them took longer than all the
-- rest, so what is gone is removed when it goes instead.
alter table calls drop constraint calls_workspace_id_fkey, drop constraint calls_deployment_id_fkey;

create function forget_calls() returns trigger language plpgsql as $$
begin
  delete from calls using gone where calls.deployment_id = gone.id;
  return null;
end
$$;
create trigger deployments_forget_calls after delete on deployments
  referencing old table as gone for each statement execute function forget_calls();

-- Calls of a deployment that went while they waited to be written.
create function drop_late_calls() returns trigger language plpgsql as $$
begin
  delete from calls using (select distinct deployment_id from late) l
  where calls.deployment_id = l.deployment_id
    and not exists (select from deployments d where d.id = l.deployment_id);
  return null;
end
$$;
create trigger calls_drop_late after insert on calls
  referencing new table as late for each statement execute function drop_late_calls();

-- New entries belong at the end of an index, where they are cheap. It is read backwards as well.
drop index calls_workspace;
drop index calls_deployment;
create index calls_workspace on calls (workspace_id, id);
create index calls_deployment on calls (deployment_id, id);
