-- Who may do what concerns the installation as a whole: keys, its doctor, its settings. The first owner and the
-- program's own key of the command line may.
alter table users add column is_installation_admin boolean not null default false;
update users set is_installation_admin = true
where id in (
  select m.user_id from members m
  where m.role = 'owner' and m.workspace_id = (select w.id from workspaces w order by w.created_at, w.id limit 1)
);

alter table api_keys add column is_installation_admin boolean not null default false;
update api_keys set is_installation_admin = true where created_by = 'catwalk';

-- Rotation looks for what is still under an older key.
create index credentials_key on credentials (key_id, id);
