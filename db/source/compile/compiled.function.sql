create or replace function tideway_private.compiled(map tideway.mappings)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_table     text := map.local_table::text;
  v_key       text := tideway_private.key_expression('t', map.key_columns);
  v_key_join  text;
begin
  select string_agg(format('t.%I = %s::%s', c.name, tideway_private.key_part('u.tideway_key', map.key_columns, k.n::integer), c.type), ' and ' order by k.n)
    into v_key_join
    from unnest(map.key_columns) with ordinality as k (name, n)
    join tideway_private.table_columns(map.local_table) c using (name);

  return tideway_private.compile_reads(map, v_table, v_key, v_key_join)
      || tideway_private.compile_pull(map, v_table, v_key, v_key_join)
      || tideway_private.compile_push(map, v_table, v_key, v_key_join);
end;
$$;

comment on function tideway_private.compiled(tideway.mappings) is
  'The SQL of a mapping by kind, as this release writes it.';
