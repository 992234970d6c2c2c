create or replace function tideway_private.options_as_json(map tideway.mappings)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(pg_catalog.jsonb_object_agg(o.name, v.value) filter (
           where v.value is distinct from coalesce(o.otherwise, 'null') and v.value <> 'null'), '{}')
    from tideway_private.mapping_options() o
    cross join lateral (
      select case o.name
               when 'filter' then coalesce(nullif(pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
                 'local', map.local_filter, 'remote', map.remote_filter, 'pattern', map.pattern,
                 'list', case when map.only_listed then true end)), '{}'), 'null')
               else coalesce(pg_catalog.to_jsonb(map) -> o.name, 'null')
             end as value) v
$$;

comment on function tideway_private.options_as_json(tideway.mappings) is
  'The options of a mapping as map takes them, without those that have their usual value.';
