create or replace function tideway_private.partitions_of(local_table regclass)
returns oid[]
language sql
stable
set search_path = ''
as $$
  -- From the catalogue: pg_partition_tree() locks the partitions, and before the table itself that is a deadlock with whoever alters it.
  select case when (select c.relkind from pg_catalog.pg_class c where c.oid = local_table) = 'p' then array(
    with recursive part as (
      select i.inhrelid from pg_catalog.pg_inherits i where i.inhparent = local_table and not i.inhdetachpending
      union all
      select i.inhrelid from part p join pg_catalog.pg_inherits i on i.inhparent = p.inhrelid and not i.inhdetachpending
    )
    select p.inhrelid from part p order by p.inhrelid) else '{}' end
$$;

comment on function tideway_private.partitions_of(regclass) is
  'The partitions of a table, at every level; none for an ordinary table.';
