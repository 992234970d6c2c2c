create or replace function tideway_private.mapped_columns(map tideway.mappings)
returns text[]
language sql
stable
set search_path = ''
as $$
  select pg_catalog.array_agg(distinct x.name)
    from (select c.local as name from tideway.mapping_columns c where c.mapping_id = map.id
          union all
          select k from pg_catalog.unnest(map.key_columns) k) as x
$$;

comment on function tideway_private.mapped_columns(tideway.mappings) is
  'The local columns that a mapping uses, its key among them.';
