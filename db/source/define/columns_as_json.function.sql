create or replace function tideway_private.columns_as_json(mapping_id uuid)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select pg_catalog.jsonb_agg(pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
           'local', c.local, 'remote', c.remote, 'type', c.type, 'authority', c.authority,
           'priority', nullif(c.priority, 0), 'conflict', c.conflict, 'in', c.in_transform, 'out', c.out_transform,
           'direction', c.wanted_direction)) order by c.ordinal)
    from tideway.mapping_columns c
   where c.mapping_id = columns_as_json.mapping_id
$$;

comment on function tideway_private.columns_as_json(uuid) is
  'The columns of a mapping as map takes them.';
