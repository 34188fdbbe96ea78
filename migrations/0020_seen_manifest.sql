-- What the server of a release was last seen to offer, where that is not what it offered at first.
alter table releases add column seen_manifest jsonb;
