create or replace function tideway_private.has_detached(map tideway.mappings)
returns boolean
language sql
stable
set search_path = ''
as $$
  select map.on_detach = 'ignore'
     and exists (select from unnest(map.partitions) as p (partition)
                   join pg_catalog.pg_class c on c.oid = p.partition
                  where not p.partition = any (tideway_private.partitions_of(map.local_table)))
$$;

comment on function tideway_private.has_detached(tideway.mappings) is
  'Whether a partition of the mapping''s table is away and may come back: rows that are not there may stand in it.';
