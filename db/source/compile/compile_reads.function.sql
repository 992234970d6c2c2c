create or replace function tideway_private.compile_reads(map tideway.mappings, table_name text, key text, key_join text)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select pg_catalog.jsonb_build_object(
    'read_rows', pg_catalog.format($sql$select null::integer, u.tideway_key, %s, null::jsonb, null::jsonb, null::boolean
  from pg_catalog.unnest($2::text[]) as u (tideway_key)
  join %s as t on %s$sql$,
      tideway_private.object_expression(pg_catalog.array_agg(pg_catalog.format('%L, t.%I', c.field, c.local) order by c.ordinal)
        -- The column that newest: names need not be mapped itself.
        || pg_catalog.array_agg(distinct pg_catalog.format('%L, t.%I',
             '@' || pg_catalog.substr(c.conflict, 8), pg_catalog.substr(c.conflict, 8))) filter (where c.conflict like 'newest:%')),
      table_name, key_join),
    'find_rows', pg_catalog.format($sql$select null::integer, u.tideway_key, null::jsonb, null::jsonb, null::jsonb, null::boolean
  from pg_catalog.unnest($2::text[]) as u (tideway_key)
  join %s as t on %s$sql$, table_name, key_join),
    'lock_rows', pg_catalog.format($sql$select null::integer, u.tideway_key, null::jsonb, null::jsonb, null::jsonb, null::boolean
  from pg_catalog.unnest($2::text[]) as u (tideway_key)
  join %s as t on %s
 order by u.tideway_key collate "C"%s$sql$, table_name, key_join,
      -- What only goes out is never written here, and its role may have no more than select.
      case when map.direction = 'push' then '' else E'\n   for no key update of t skip locked' end),
    'guard', pg_catalog.format($sql$select null::integer, null::text, null::jsonb, null::jsonb, null::jsonb, pg_catalog.row_security_active(%L)$sql$, table_name),
    'scan_keys', pg_catalog.format('select null::integer, %s, null::jsonb, null::jsonb, null::jsonb, null::boolean', key)
      || tideway_private.walk_clause(map, table_name))
    || case when map.match_on is null then '{}'::jsonb else pg_catalog.jsonb_build_object(
    'match_rows', (
      select pg_catalog.format($sql$select u.ord, %s, null::jsonb, null::jsonb, null::jsonb, null::boolean
  from unnest($1::integer[], $3::jsonb[]) as u (ord, vals)
  join %s as t on %s$sql$, key, table_name,
        pg_catalog.string_agg(pg_catalog.format('t.%I = %s', m.local, tideway_private.image_value('u.vals', m.field, m.local_type)), ' and '))
        from tideway.mapping_columns m
       where m.mapping_id = map.id and m.local = any (map.match_on)))
    end
    from tideway.mapping_columns c
   where c.mapping_id = map.id
     and c.direction <> 'none'
$$;

comment on function tideway_private.compile_reads(tideway.mappings, text, text, text) is
  'The statements that read rows by key, lock them, walk the table in key order and find rows by match_on.';
