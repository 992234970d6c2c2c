create or replace function tideway_private.compare_range(mapping integer, epoch bigint, after_key text default null, max_rows integer default 10000, every boolean default false)
returns table (keys text[], last_key text, checked integer)
language plpgsql
volatile
set search_path = ''
set plan_cache_mode = force_generic_plan
set random_page_cost = 1.1
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set intervalstyle = 'postgres'
set extra_float_digits = 1
set bytea_output = 'hex'
set lc_monetary = 'C'
as $$
#variable_conflict use_column
declare
  v_map      tideway.mappings := tideway_private.begin_work(mapping, epoch);
  v_sql      jsonb := tideway_private.statements_of(mapping);
  v_trouble  jsonb := tideway_private.table_trouble(v_map);
  v_keys     text[];
  v_rows     jsonb[];
  v_inside   boolean[];
  v_problems jsonb[];
  v_listed   text[];
begin
  if v_trouble is not null then
    perform tideway_private.stop_mapping(v_map, v_trouble);
    return;
  end if;
  if every then
    execute format('select array_agg(r.key), count(*)::integer from tideway_run.%I($1, array[$2], array[$3], null) r', v_map.run_as)
       into keys, checked using v_sql ->> 'scan_keys', max_rows, after_key;
    last_key := keys[checked];
    return next;
    return;
  end if;

  begin
    execute format('select array_agg(r.key), array_agg(r.a), array_agg(r.flag), count(*)::integer from tideway_run.%I($1, array[$2], array[$3], null) r', v_map.run_as)
       into v_keys, v_rows, v_inside, checked using v_sql ->> 'scan_rows', max_rows, after_key;
  exception when others then
    if tideway_private.is_server_trouble(sqlstate) then
      raise;
    end if;
    -- The filter cannot take some row: that one is found, and is marked so that its push says what is wrong.
    execute format('select array_agg(r.key), count(*)::integer from tideway_run.%I($1, array[$2], array[$3], null) r', v_map.run_as)
       into v_keys, checked using v_sql ->> 'scan_keys', max_rows, after_key;
    select array_agg(r.a order by k.n), array_agg(r.flag order by k.n), array_agg(r.problem order by k.n)
      into v_rows, v_inside, v_problems
      from unnest(v_keys) with ordinality as k (key, n)
      left join tideway_private.read_push_rows(v_map, v_sql, v_sql ->> 'read_push', v_keys) r on r.key = k.key;
  end;
  last_key := v_keys[checked];

  if v_map.only_listed then
    v_listed := tideway_private.listed_keys(v_map, v_keys);
  end if;
  select array_agg(r.key)
    into keys
    from unnest(v_keys, v_rows, v_inside, v_problems) as r (key, a, flag, problem)
    -- Asked for by a list of keys: only one index serves that, whatever the planner knows of the table.
    left join (select l.* from tideway_private.links l
                where l.mapping = compare_range.mapping and l.local_key = any (v_keys) and (l.local_gone_at is null or l.remote_gone_at is null)) l on l.local_key = r.key
   where (l.id is null and r.flag and (v_listed is null or r.key = any (v_listed)))
      or r.problem is not null
      or l.sent is not null
      or l.local_gone_at is not null
      or (l.id is not null and (r.flag and (v_listed is null or r.key = any (v_listed))) = l.dormant)
      or (r.a is distinct from l.local_image
          and exists (select from jsonb_each(r.a) e where e.value is distinct from l.local_image -> e.key));
  return next;
end;
$$;

comment on function tideway_private.compare_range(integer, bigint, text, integer, boolean) is
$$Compares a range of rows, in key order, with their links and returns the keys that differ; the caller marks them.

The repair after a lost slot, the drift check, and the backfill are this one walk. Ends when checked is below max_rows.$$;
