create or replace function tideway_private.table_columns(local_table regclass)
returns table (name text, type text, not_null boolean, generated boolean, identity_always boolean, default_expression text)
language sql
stable
set search_path = ''
as $$
  -- An identity column's default is its sequence, which pg_attrdef does not hold. Looked up by number:
  -- the daemon may have no right to the schema by name.
  select a.attname::text,
         pg_catalog.format_type(a.atttypid, a.atttypmod),
         a.attnotnull,
         a.attgenerated <> '',
         a.attidentity = 'a',
         case
           when a.attidentity <> ''
             then (select pg_catalog.format('pg_catalog.nextval(%L)', s.objid::regclass)
                     from pg_catalog.pg_depend s
                    where s.classid = 'pg_class'::regclass and s.refclassid = 'pg_class'::regclass
                      and s.refobjid = a.attrelid and s.refobjsubid = a.attnum and s.deptype = 'i')
           when a.attgenerated = '' then pg_catalog.pg_get_expr(d.adbin, d.adrelid)
         end
    from pg_catalog.pg_attribute a
    left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
   where a.attrelid = local_table
     and a.attnum > 0
     and not a.attisdropped
$$;

comment on function tideway_private.table_columns(regclass) is
  'The columns of a user''s table as compile needs them, with what an insert without a value would store.';
