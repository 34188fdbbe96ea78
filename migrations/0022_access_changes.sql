-- Whoever loses access must lose what is open at once, whichever part of the program took it away.
create function announce_access_change() returns trigger language plpgsql as $$
begin
  perform pg_notify('catwalk', 'access');
  return null;
end
$$;
create trigger members_access after delete or update of role on members
  for each statement execute function announce_access_change();
create trigger sessions_access after delete on sessions
  for each statement execute function announce_access_change();
create trigger api_keys_access after delete or update of role, expires_at on api_keys
  for each statement execute function announce_access_change();
create trigger users_access after delete or update of is_installation_admin on users
  for each statement execute function announce_access_change();
