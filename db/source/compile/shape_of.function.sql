create or replace function tideway_private.shape_of(local_table regclass, columns text[])
returns text
language sql
stable
set search_path = ''
as $$
  select pg_catalog.md5(pg_catalog.string_agg(
           pg_catalog.format('%s %s %s %s %s', a.attname, a.attnum, a.atttypid, a.atttypmod, a.attnotnull), ',' order by a.attname collate "C"))
    from pg_catalog.pg_attribute a
   where a.attrelid = local_table
     and a.attname = any (columns)
     and not a.attisdropped
$$;

comment on function tideway_private.shape_of(regclass, text[]) is
  'A fingerprint of the columns that a mapping uses: numbers, types, modifiers and NOT NULL.';
