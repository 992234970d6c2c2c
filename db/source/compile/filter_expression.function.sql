create or replace function tideway_private.filter_expression(map tideway.mappings)
returns text
language sql
stable
set search_path = ''
as $$
  -- The predicate sees the row under its table's own name, as the person who wrote it did.
  select coalesce(
    (select pg_catalog.string_agg(pg_catalog.format('coalesce((select (%s) from (select t.*) as %I), false)', f.predicate, c.relname), ' and ')
       from (values (map.local_filter), (nullif(tideway_private.mapping_predicate(map.number), 'true'))) as f (predicate)
       join pg_catalog.pg_class c on c.oid = map.local_table
      where f.predicate is not null),
    'true')
$$;

comment on function tideway_private.filter_expression(tideway.mappings) is
  'The SQL that says whether a row passes a mapping''s own filter and its saved pattern.';
