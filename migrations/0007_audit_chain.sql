-- What the chain's writer has still to do.
create index audit_entries_unchained on audit_entries (id) where seq is null;
create index audit_entries_page on audit_entries (workspace_id, id desc);
