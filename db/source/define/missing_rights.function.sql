create or replace function tideway_private.missing_rights(map tideway.mappings)
returns table (column_name text, problem text, mend text)
language sql
stable
set search_path = ''
as $$
  with target as (
    select c.oid, c.relnamespace, n.nspname, format('%I.%I', n.nspname, c.relname) as name
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.oid = map.local_table
  ), wanted as (
    select c.name, 'select' as right_name
      from tideway_private.table_columns(map.local_table) c
     where c.name in (select m.local from tideway.mapping_columns m where m.mapping_id = map.id)
        or c.name = any (map.key_columns)
    union all
    select m.local, r
      from tideway.mapping_columns m
      cross join unnest(array['insert', 'update']) r
     where m.mapping_id = map.id and m.direction in ('pull', 'both')
    union all
    select k, 'insert' from unnest(map.key_columns) k where map.direction in ('pull', 'both')
  )
  select null, format('%s may not use the schema %I.', map.run_as, t.nspname), format('grant usage on schema %I to %I;', t.nspname, map.run_as)
    from target t
   where not pg_catalog.has_schema_privilege(map.run_as, t.relnamespace, 'usage')
  union all
  select null, format('%s may not %s on %s (%s).', map.run_as, w.right_name, t.name, string_agg(distinct w.name, ', ' order by w.name)),
         format('grant %s on %s to %I;', w.right_name, t.name, map.run_as)
    from target t
    join wanted w on exists (select from pg_catalog.pg_attribute a where a.attrelid = t.oid and a.attname = w.name and not a.attisdropped)
   where not pg_catalog.has_column_privilege(map.run_as, t.oid, w.name, w.right_name)
   group by t.name, w.right_name
  union all
  select null, format('%s may not delete from %s.', map.run_as, t.name), format('grant delete on %s to %I;', t.name, map.run_as)
    from target t
   where map.direction in ('pull', 'both')
     and map.on_remote_delete = 'delete'
     and not pg_catalog.has_table_privilege(map.run_as, t.oid, 'delete')
  union all
  -- A key that the app does not know is made here. An insert may use an identity's sequence without a grant, but not that of a default.
  select a.attname, format('%s may not use the sequence %s.', map.run_as, s.number::regclass),
         format('grant usage on sequence %s to %I;', s.number::regclass, map.run_as)
    from target t
    join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    cross join lateral (
      select p.objid as number
        from pg_catalog.pg_depend p
       where p.classid = 'pg_class'::regclass and p.refclassid = 'pg_class'::regclass
         and p.refobjid = a.attrelid and p.refobjsubid = a.attnum and p.deptype = 'i'
         and exists (select from wanted w where w.name = a.attname and w.right_name = 'insert')
      union
      select p.refobjid
        from pg_catalog.pg_depend p
       where p.classid = 'pg_attrdef'::regclass and p.objid = d.oid and p.refclassid = 'pg_class'::regclass
    ) s
   where map.direction in ('pull', 'both')
     and case when (select c.relkind from pg_catalog.pg_class c where c.oid = s.number) = 'S'
              then not pg_catalog.has_sequence_privilege(map.run_as, s.number, 'usage') end
$$;

comment on function tideway_private.missing_rights(tideway.mappings) is
  'What the run_as role of a mapping may not do with its table, with the grants that mend it.';
