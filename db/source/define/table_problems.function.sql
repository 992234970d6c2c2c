create or replace function tideway_private.table_problems(local_table regclass)
returns table (problem text, mend text)
language sql
stable
set search_path = ''
as $$
  select x.problem, x.mend
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    cross join lateral (
      select format('%I.%I belongs to the database or to Tideway.', n.nspname, c.relname), 'Map a table of your own.'
       where n.nspname in ('tideway', 'tideway_private', 'tideway_run', 'information_schema', 'graphile_migrate') or n.nspname like 'pg\_%'
      union all
      select format('%I.%I is not a table.', n.nspname, c.relname), 'Map the table behind it.'
       where c.relkind not in ('r', 'p')
      union all
      select format('%I.%I is a partition.', n.nspname, c.relname),
             format('Map its parent: %s.', (select i.inhparent::regclass from pg_catalog.pg_inherits i where i.inhrelid = c.oid))
       where c.relispartition) as x (problem, mend)
   where c.oid = local_table
$$;

comment on function tideway_private.table_problems(regclass) is
  'Why a table can never be mapped: not the user''s own, no table, or a part of one.';
