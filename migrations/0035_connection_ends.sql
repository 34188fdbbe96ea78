-- However a connection ends, also with the account of its person: every gateway hears of it.
create function announce_connection_end() returns trigger language plpgsql as $$
begin
  perform pg_notify('catwalk', 'deployment:' || old.deployment_id);
  return null;
end
$$;
create trigger oauth_connections_end after delete on oauth_connections
for each row execute function announce_connection_end();
