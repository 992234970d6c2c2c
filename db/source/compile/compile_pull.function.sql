create or replace function tideway_private.compile_pull(map tideway.mappings, table_name text, key text, key_join text)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_found     text;
  v_texts     text;
  v_problems  text;
  v_typed     text;
  v_shown     text;
  v_from      text;
  v_values    text;
  v_sparse    text;
  v_fields    text;
  v_bad       text;
  v_faults    text;
  v_changed   text;
  v_same      text;
  v_diff      text;
  v_key_value text;
  v_new_key   text;
  v_columns   text;
  v_inserts   text;
  v_loads     text;
  v_needed    text;
  v_load_join text;
  v_overrides text;
  v_updates   text;
  v_soft      text;
begin
  -- Each column once: f<n> as the app shows it, t<n> its text, p<n> what is wrong with it, v<n> the value, j<n> the value as the link shows it.
  -- "offset 0" keeps the planner from computing them again.
  select string_agg(format('r.fields -> %L as f%s', c.remote, c.ordinal), ', ' order by c.ordinal),
         string_agg(format('%s as t%s', tideway_private.pull_text(
           tideway_private.transform_expression(format('r.f%s', c.ordinal), c.in_transform), c.type, tideway_private.base_type(c.local_type)), c.ordinal), ', ' order by c.ordinal),
         string_agg(format('%s as p%s', tideway_private.pull_problem(format('r.t%s', c.ordinal), c.type, c.local_type, c.local,
           tc.not_null and c.direction <> 'push' and not c.local = any (map.key_columns)), c.ordinal), ', ' order by c.ordinal),
         string_agg(format('case when r.p%1$s is null then %2$s end as v%1$s', c.ordinal,
           tideway_private.pull_cast(format('r.t%s', c.ordinal), c.type, c.local_type)), ', ' order by c.ordinal),
         string_agg(format('case when r.p%1$s is null then coalesce(pg_catalog.to_jsonb(r.v%1$s), ''null'') end as j%1$s', c.ordinal), ', ' order by c.ordinal),
         tideway_private.object_expression(array_agg(format('%L, r.j%s', c.field, c.ordinal) order by c.ordinal)),
         string_agg(format('case when r.f%1$s is not null and r.p%1$s is null then pg_catalog.jsonb_build_object(%2$L, r.j%1$s) else ''{}'' end',
           c.ordinal, c.field), E'\n         || ' order by c.ordinal),
         string_agg(format('r.f%s is not null', c.ordinal), ' and ' order by c.ordinal),
         string_agg(format('r.p%s is null', c.ordinal), ' and ' order by c.ordinal),
         string_agg(format('case when r.f%1$s is not null and r.p%1$s is not null then pg_catalog.jsonb_build_array(r.p%1$s || pg_catalog.jsonb_build_object(''column'', %2$L, ''field'', %3$L)) else ''[]'' end',
           c.ordinal, c.local, c.field), E'\n         || ' order by c.ordinal) filter (where c.direction <> 'push'),
         -- The app's own id of a record is a value like any other to a mapping that has a column for it.
         string_agg(case when c.is_remote_id then format('pg_catalog.to_jsonb(r.id) is distinct from l.shown -> %L', c.field)
                         else format('coalesce(r.fields -> %1$L <> l.shown -> %2$L, r.fields -> %1$L is not null)', c.remote, c.field) end,
           E'\n               or ' order by c.ordinal),
         -- The remote image is kept only where it differs from the local one.
         string_agg(format('r.f%1$s = r.j%1$s', c.ordinal), ' and ' order by c.ordinal),
         string_agg(format('case when r.f%1$s is not null and r.p%1$s is null and r.f%1$s is distinct from r.j%1$s then pg_catalog.jsonb_build_object(%2$L, r.f%1$s) else ''{}'' end',
           c.ordinal, c.field), E'\n         || ' order by c.ordinal)
    into v_found, v_texts, v_problems, v_typed, v_shown, v_values, v_sparse, v_fields, v_bad, v_faults, v_changed, v_same, v_diff
    from tideway.mapping_columns c
    join tideway_private.table_columns(map.local_table) tc on tc.name = c.local
   where c.mapping_id = map.id
     and c.direction <> 'none';

  if v_texts is null then
    return '{}';
  end if;

  -- The local key, where every key column is mapped; null when one of them is missing or bad.
  select case when count(*) filter (where c.ordinal is null) > 0 then 'null::text'
              when count(*) = 1 then string_agg(format('(r.v%s)::text', c.ordinal), '')
              else format('case when %s then pg_catalog.jsonb_build_array(%s)::text end',
                     string_agg(format('r.v%s is not null', c.ordinal), ' and '),
                     string_agg(format('(r.v%s)::text', c.ordinal), ', ' order by k.n)) end
    into v_key_value
    from unnest(map.key_columns) with ordinality as k (name, n)
    left join tideway.mapping_columns c
      on c.mapping_id = map.id and c.local = k.name and c.direction <> 'none';

  -- A key that the app does not know is made as an insert would make it.
  select case when count(*) filter (where c.default_expression is null) > 0 then null
              when count(*) = 1 then format('(%s)::text', string_agg(format('(%s)::%s', c.default_expression, c.type), ''))
              else format('pg_catalog.jsonb_build_array(%s)::text', string_agg(format('((%s)::%s)::text', c.default_expression, c.type), ', ' order by k.n)) end
    into v_new_key
    from unnest(map.key_columns) with ordinality as k (name, n)
    join tideway_private.table_columns(map.local_table) c using (name);

  select string_agg(quote_ident(x.local), ', ' order by x.ordinal),
         string_agg(x.value, E',\n       ' order by x.ordinal),
         string_agg(x.typed, E',\n         ' order by x.ordinal),
         string_agg(x.needed, ', ' order by x.ordinal)
    into v_columns, v_inserts, v_loads, v_needed
    from (select c.ordinal, c.local,
                 case when c.local = any (map.key_columns)
                   then format('%s::%s', tideway_private.key_part('u.tideway_key', map.key_columns, array_position(map.key_columns, c.local)), c.local_type)
                   else format('case when u.vals ? %L then %s else %s end', c.field, tideway_private.image_value('u.vals', c.field, c.local_type),
                               coalesce(tc.default_expression, 'null')) end as value,
                 case when c.local = any (map.key_columns) or tc.default_expression is null
                   then format('r.v%s', c.ordinal)
                   else format('case when r.f%1$s is not null then r.v%1$s else %2$s end', c.ordinal, tc.default_expression) end as typed,
                 case when c.local = any (map.key_columns) or tc.default_expression is null
                   then format('r.v%s', c.ordinal) else format('r.v%1$s, r.f%1$s', c.ordinal) end as needed
            from tideway.mapping_columns c
            join tideway_private.table_columns(map.local_table) tc on tc.name = c.local
           where c.mapping_id = map.id and c.direction in ('pull', 'both')
          union all
          select -k.n, k.name, format('%s::%s', tideway_private.key_part('u.tideway_key', map.key_columns, k.n::integer), tc.type),
                 'r.v' || m.ordinal, 'r.v' || m.ordinal
            from unnest(map.key_columns) with ordinality as k (name, n)
            join tideway_private.table_columns(map.local_table) tc using (name)
            left join tideway.mapping_columns m on m.mapping_id = map.id and m.local = k.name and m.direction <> 'none'
           where not exists (select from tideway.mapping_columns c
                              where c.mapping_id = map.id and c.local = k.name and c.direction in ('pull', 'both'))) as x;

  -- Null where the key is not wholly mapped: such records are never loaded in one go.
  select case when bool_and(c.ordinal is not null) then string_agg(format('t.%I = r.v%s', k.name, c.ordinal), ' and ' order by k.n) end
    into v_load_join
    from unnest(map.key_columns) with ordinality as k (name, n)
    left join tideway.mapping_columns c on c.mapping_id = map.id and c.local = k.name and c.direction <> 'none';

  v_overrides := case when exists (select from tideway_private.table_columns(map.local_table) c
                                    where c.identity_always
                                      and (c.name = any (map.key_columns)
                                           or c.name in (select m.local from tideway.mapping_columns m
                                                          where m.mapping_id = map.id and m.direction in ('pull', 'both'))))
                      then ' overriding system value' else '' end;
  v_from := format($sql$(select r.*, %s
          from (select r.*, %s
                  from (select r.*, %s
                          from (select r.*, %s
                                  from (select r.ord, %s
                                          from unnest($1::integer[], $3::jsonb[]) as r (ord, fields)
                                        offset 0) as r
                                offset 0) as r
                        offset 0) as r
                offset 0) as r
        offset 0) as r$sql$, v_shown, v_typed, v_problems, v_texts, v_found);

  select string_agg(format('%I = case when u.vals ? %L then %s else t.%I end', c.local, c.field,
           tideway_private.image_value('u.vals', c.field, c.local_type), c.local), E',\n       ' order by c.ordinal)
    into v_updates
    from tideway.mapping_columns c
   where c.mapping_id = map.id and c.direction in ('pull', 'both');

  if map.on_remote_delete like 'soft_delete:%' then
    select format('%I = %s', c.name, case when tideway_private.base_type(c.type) = 'boolean' then 'true' else 'pg_catalog.now()' end)
      into v_soft
      from tideway_private.table_columns(map.local_table) c
     where c.name = substr(map.on_remote_delete, length('soft_delete:') + 1);
  end if;

  return jsonb_strip_nulls(jsonb_build_object(
    -- Unchanged records end here: of most pages that is nearly all, so each is read, looked up and compared in one go.
    -- Each step says its order, so that nothing is sorted.
    'changed', format($sql$select pg_catalog.array_agg(r.id),
       pg_catalog.array_agg(r.rec order by r.n) filter (where r.differs),
       pg_catalog.array_agg(r.fresh order by r.n) filter (where r.differs),
       pg_catalog.array_agg(r.rec order by r.n) filter (where r.rec ? 'problems')
  from (select r.n, r.id, r.rec, l.id is null as fresh,
               l.id is null
               or l.sent is not null
               or l.remote_gone_at is not null
               or l.local_gone_at is not null
               or l.dormant
               or r.rec -> 'deleted' = 'true'
               or %s as differs
          from (select r.n, r.rec, r.rec ->> 'id' as id, r.rec -> 'fields' as fields
                  from (select r.n, r.line::jsonb as rec
                          from unnest(pg_catalog.string_to_array($2, E'\n')) with ordinality as r (line, n)
                         where r.line <> ''
                         order by r.n) as r
                 order by r.n) as r
          left join lateral (select l.*, l.local_image || l.remote_diff as shown
                               from tideway_private.links as l
                              where l.mapping = $1 and l.remote_id = r.id
                             offset 0) as l on true
         order by r.n) as r$sql$, v_changed),
    'convert', format($sql$select r.ord,
       %s,
       case when %s and %s
            then %s
            else %s
       end,
       case when %s then null
            else %s
       end,
       case when %s then case when %s then '{}' else %s end
            else %s
       end,
       null::boolean
  from %s$sql$,
      v_key_value, v_fields, v_bad, v_values, v_sparse, v_bad, coalesce(v_faults, '''[]''::jsonb'), v_bad, v_same, v_diff, v_diff, v_from),
    'load_rows', case when map.direction <> 'push' and v_load_join is not null then format($sql$with record as materialized (
  select r.ord, %s,
         case when %s then %s end as tideway_key,
         case when %s
              then %s
              else %s
         end as vals,
         case when %s then '{}' else %s end as diff
    from %s
), written as (
  insert into %s as t (%s)%s
  select %s
    from record as r
   where r.tideway_key is not null
     and not exists (select from %s as t where %s)
   order by r.ord
  returning %s as tideway_key
)
select r.ord, r.tideway_key, r.vals, null::jsonb, r.diff, null::boolean from record as r join written as w using (tideway_key)
union all
select null::integer, null::text, pg_catalog.to_jsonb(pg_catalog.count(*)), null::jsonb, null::jsonb, null::boolean from written as w$sql$,
      v_needed, v_bad, v_key_value, v_fields, v_values, v_sparse, v_same, v_diff, v_from,
      table_name, v_columns, v_overrides, v_loads, table_name, v_load_join, key) end,
    'new_keys', case when v_new_key is not null and map.direction <> 'push' then format(
      $sql$select u.ord, %s, null::jsonb, null::jsonb, null::jsonb, null::boolean
  from pg_catalog.unnest($1::integer[]) as u (ord)$sql$, v_new_key) end,
    'insert_rows', case when map.direction <> 'push' then format($sql$insert into %s as t (%s)%s
select %s
  from unnest($2::text[], $3::jsonb[]) as u (tideway_key, vals)
returning null::integer, %s, null::jsonb, null::jsonb, null::jsonb, null::boolean$sql$, table_name, v_columns,
      v_overrides, v_inserts, key) end,
    'update_rows', case when v_updates is not null then format($sql$update %s as t
   set %s
  from unnest($2::text[], $3::jsonb[]) as u (tideway_key, vals)
 where %s
returning null::integer, u.tideway_key, pg_catalog.to_jsonb(%s), null::jsonb, null::jsonb, null::boolean$sql$, table_name, v_updates, key_join, key) end,
    'delete_rows', case
      when map.direction = 'push' then null
      when v_soft is not null then format($sql$update %s as t
   set %s
  from pg_catalog.unnest($2::text[]) as u (tideway_key)
 where %s
returning null::integer, u.tideway_key, null::jsonb, null::jsonb, null::jsonb, null::boolean$sql$, table_name, v_soft, key_join)
      when map.on_remote_delete = 'delete' then format($sql$delete from %s as t
 using pg_catalog.unnest($2::text[]) as u (tideway_key)
 where %s
returning null::integer, u.tideway_key, null::jsonb, null::jsonb, null::jsonb, null::boolean$sql$, table_name, key_join) end));
end;
$$;

comment on function tideway_private.compile_pull(tideway.mappings, text, text, text) is
  'The statements that find changed records, convert them, and insert, update or delete rows.';
