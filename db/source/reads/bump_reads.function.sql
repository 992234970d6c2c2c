create or replace function tideway_private.bump_reads(relations oid[], xids bigint[] default '{}')
returns void
language sql
volatile
set search_path = ''
as $$
  insert into tideway_private.read_versions as v (mapping, org_id, xids)
  select m.number, m.org_id, array(select distinct x from unnest(tideway_private.widen_xids(xids)) as x)
    from tideway.mappings m
   where m.read is not null
     and (relations is null or m.local_table = any (relations))
   order by m.number
  on conflict on constraint read_versions_pkey do update
     set version = v.version + 1,
         xids = array(select x from unnest(v.xids || excluded.xids) as x
                       where not pg_catalog.pg_visible_in_snapshot(x, pg_catalog.pg_current_snapshot()))
$$;

comment on function tideway_private.bump_reads(oid[], bigint[]) is
'Makes what daemons remember of these tables (null: of all) worthless, in the transaction that learns of the change.

The log runs ahead of what a SELECT shows, so the transactions are kept until every new snapshot shows them.';
