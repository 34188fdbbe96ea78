-- Where other replicas reach a node. Null for one of an earlier version.
alter table nodes add column address text;

-- The node that has the data of a deployment on the local runtime, from its first start on. It is started on no other
-- one, unless it keeps no data.
alter table deployments add column home_node text;
alter table deployments add column keeps_data boolean not null default true;
