create or replace view tideway.mappable_tables
with (security_invoker = true)
as
select
  format('%I.%I', n.nspname, c.relname)                       as table_name,
  n.nspname::text                                             as table_schema,
  o.rolname::text                                             as owner,
  tideway_private.default_key(c.oid)                          as key,
  case
    when tideway_private.default_key(c.oid) is null           then 'It has no primary key: alter table ' || format('%I.%I', n.nspname, c.relname) || ' add primary key (...);'
    when c.relpersistence <> 'p'                              then 'It is not logged, so it can only be pulled.'
    when c.relreplident = 'n'                                 then 'It has no replica identity, so it can only be pulled.'
  end                                                         as problem,
  (select array_agg(m.name order by m.name)
     from tideway.mappings m
    where m.local_table = c.oid and m.state <> 'unmapped')    as mappings,
  case when c.reltuples >= 0 then c.reltuples::bigint end     as estimated_rows
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_roles o on o.oid = c.relowner
where c.relkind in ('r', 'p')
  and not c.relispartition
  and n.nspname not in ('tideway', 'tideway_private', 'tideway_run', 'graphile_migrate', 'information_schema')
  and n.nspname not like 'pg\_%'
  and has_table_privilege(c.oid, 'select');

comment on view tideway.mappable_tables is
  'Which of my tables can be mapped, and which are? One row per table that you may read.';
comment on column tideway.mappable_tables.table_name is 'The table, as map takes it.';
comment on column tideway.mappable_tables.table_schema is 'The schema of the table.';
comment on column tideway.mappable_tables.owner is 'The role that should activate a mapping of the table.';
comment on column tideway.mappable_tables.key is 'The key that map takes when none is given.';
comment on column tideway.mappable_tables.problem is 'What stands in the way; null when nothing does.';
comment on column tideway.mappable_tables.mappings is 'The mappings of your organisation that use the table.';
comment on column tideway.mappable_tables.estimated_rows is 'About how many rows it has, by the statistics; null when it was never analysed.';
