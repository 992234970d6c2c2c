create or replace function tideway_private.compile_push(map tideway.mappings, table_name text, key text, key_join text)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select case when map.direction = 'pull' then '{}'::jsonb else pg_catalog.jsonb_build_object(
    'read_push', pg_catalog.format($sql$select null::integer, u.tideway_key,
       %s,
       %s,
       null::jsonb,
       %s
  from pg_catalog.unnest($2::text[]) as u (tideway_key)
  join %s as t on %s$sql$,
      tideway_private.object_expression(pg_catalog.array_agg(pg_catalog.format('%L, t.%I', c.field, c.local) order by c.ordinal)),
      tideway_private.object_expression(pg_catalog.array_agg(pg_catalog.format('%L, coalesce(%s, ''null'')', c.field,
        tideway_private.push_expression(pg_catalog.format('t.%I', c.local), c.type, c.local_type, c.out_transform)) order by c.ordinal)
        filter (where c.direction in ('push', 'both'))),
      tideway_private.filter_expression(map),
      table_name, key_join),
    'scan_rows', pg_catalog.format('select null::integer, %s, %s, null::jsonb, null::jsonb, %s', key,
      tideway_private.object_expression(pg_catalog.array_agg(pg_catalog.format('%L, t.%I', c.field, c.local) order by c.ordinal)),
      tideway_private.filter_expression(map)) || tideway_private.walk_clause(map, table_name),
    'payload_of', pg_catalog.format($sql$select null::integer, u.tideway_key, %s, null::jsonb, null::jsonb, null::boolean
  from unnest($2::text[], $3::jsonb[]) as u (tideway_key, image)$sql$,
      tideway_private.object_expression(pg_catalog.array_agg(pg_catalog.format('%L, coalesce(%s, ''null'')', c.field,
        tideway_private.push_expression(pg_catalog.format('(%s)', tideway_private.image_value('u.image', c.field, c.local_type)), c.type, c.local_type, c.out_transform))
        order by c.ordinal) filter (where c.direction in ('push', 'both')))))
    end
    from tideway.mapping_columns c
   where c.mapping_id = map.id
     and c.direction <> 'none'
$$;

comment on function tideway_private.compile_push(tideway.mappings, text, text, text) is
  'The statements that read rows as the app should see them, walk them as their links know them, and say what an image would have looked like there.';
