create or replace function tideway_private.compare_range(mapping integer, epoch bigint, after_key text default null, max_rows integer default 10000, every boolean default false)
returns table (keys text[], last_key text, checked integer)
language plpgsql
volatile
set search_path = ''
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
  v_scan     text := format('select array_agg(r.key), count(*)::integer from tideway_run.%I($1, array[$2], array[$3], null) r', v_map.run_as);
  v_walked   text := format('select r.key, r.a, r.flag, null::jsonb as problem from tideway_run.%I($2, array[$3], array[$4], null) r', v_map.run_as);
  -- Rows may be wide, so they are not gathered in memory. Links are asked for by a list of keys: only one index serves that,
  -- whatever the planner knows of the table.
  v_compare  constant text := $q$
    with r as materialized (%s),
         k as materialized (select array_agg(r.key) as keys from r),
         l as materialized (
           select l.id, l.local_key, l.local_image, l.sent, l.local_gone_at, l.dormant
             from tideway_private.row_links l
            where l.mapping = ($1).number
              and l.local_key = any (array(select r.key from r))),
         listed as materialized (select tideway_private.listed_keys($1, k.keys) as keys from k where ($1).only_listed)
    select (select array_agg(r.key)
              from (select r.*, coalesce(r.flag and (not ($1).only_listed or r.key = any ((select listed.keys from listed)::text[])), false) as inside from r) as r
              left join l on l.local_key = r.key
             where r.problem is not null
                or l.sent is not null
                or l.local_gone_at is not null
                -- A row that is not to be in the app and has no link, or one asleep, may look as it likes.
                or r.inside is distinct from (l.id is not null and not l.dormant)
                or (r.inside and r.a is distinct from l.local_image
                    and exists (select from jsonb_each(r.a) e where e.value is distinct from l.local_image -> e.key))),
           k.keys[cardinality(k.keys)],
           coalesce(cardinality(k.keys), 0)
      from k$q$;
begin
  if v_trouble is not null then
    perform tideway_private.stop_mapping(v_map, v_trouble);
    return;
  end if;
  if every then
    execute v_scan
       into keys, checked using v_sql ->> 'scan_keys', max_rows, after_key;
    last_key := keys[checked];
    return next;
    return;
  end if;

  begin
    execute format(v_compare, v_walked) into keys, last_key, checked using v_map, v_sql ->> 'scan_rows', max_rows, after_key;
  exception when others then
    if tideway_private.is_server_trouble(sqlstate) then
      raise;
    end if;
    -- The filter cannot take some row: that one is found, and is marked so that its push says what is wrong.
    execute v_scan
       into v_keys, checked using v_sql ->> 'scan_keys', max_rows, after_key;
    last_key := v_keys[checked];
    execute format(v_compare, $q$select p.key, p.a, p.flag, p.problem from tideway_private.read_push_rows($1, $2, $2 ->> 'read_push', $3) p$q$)
       into keys using v_map, v_sql, v_keys;
  end;
  return next;
end;
$$;

comment on function tideway_private.compare_range(integer, bigint, text, integer, boolean) is
$$Compares a range of rows, in key order, with their links and returns the keys that differ; the caller marks them.

The repair after a lost slot, the drift check, and the backfill are this one walk. Ends when checked is below max_rows.$$;
