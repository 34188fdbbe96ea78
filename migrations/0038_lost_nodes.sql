-- Since when a node is taken for gone, so that it is told once. Null while it is heard.
alter table nodes add column lost_at timestamptz;
