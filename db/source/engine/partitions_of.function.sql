create or replace function tideway_private.partitions_of(local_table regclass)
returns oid[]
language sql
stable
set search_path = ''
as $$
  select coalesce(pg_catalog.array_agg(t.relid::oid order by t.relid::oid), '{}')
    from pg_catalog.pg_partition_tree(local_table) t
   where t.relid <> local_table
$$;

comment on function tideway_private.partitions_of(regclass) is
  'The partitions of a table, at every level; none for an ordinary table.';
