create or replace function tideway_private.plan_rows(map tideway.mappings, sql jsonb, keys text[], ops smallint[], batch bigint)
returns table (n integer, link_id bigint, row_image jsonb, payload jsonb, problem jsonb, verdict text, plan jsonb)
language plpgsql
volatile
set search_path = ''
set plan_cache_mode = force_generic_plan
set random_page_cost = 1.1
as $$
#variable_conflict use_column
declare
  v_links     bigint[];
  v_rows      jsonb[];
  v_payloads  jsonb[];
  v_inside    boolean[];
  v_before    jsonb[];
  v_problems  jsonb[];
begin
  select array_agg(l.id order by k.n), array_agg(r.a order by k.n), array_agg(r.b order by k.n), array_agg(r.flag order by k.n), array_agg(r.problem order by k.n)
    into v_links, v_rows, v_payloads, v_inside, v_problems
    from unnest(keys) with ordinality as k (key, n)
    left join tideway_private.read_push_rows(map, sql, sql ->> 'read_push', keys) r on r.key = k.key
    -- Asked for by a list of keys: only one index serves that, whatever the planner knows of the table.
    left join (select l.id, l.local_key from tideway_private.row_links l
                where l.mapping = map.number and l.local_key = any (plan_rows.keys)) l on l.local_key = k.key;

  if map.only_listed then
    select array_agg(x.inside and x.key = any (l.keys) order by x.n) into v_inside
      from unnest(keys, v_inside) with ordinality as x (key, inside, n)
     cross join (select tideway_private.listed_keys(map, plan_rows.keys) as keys) as l;
  end if;

  -- What the last agreed row would look like in the app: where that is the same, nothing has changed there.
  if exists (select from tideway.mapping_columns c
              where c.mapping_id = map.id and c.direction in ('push', 'both') and tideway_private.push_loses(c.type, c.local_type, c.out_transform)) then
    select array_agg(r.a order by k.n)
      into v_before
      from unnest(keys) with ordinality as k (key, n)
      left join (
        select r.* from (select array_agg(x.key) as keys, array_agg(l.local_image) as images
                           from unnest(keys, v_links, v_rows) as x (key, link, row_image)
                           join tideway_private.links l on l.id = x.link
                          where x.row_image is distinct from l.local_image) q
        cross join lateral tideway_private.read_push_rows(map, sql, sql ->> 'payload_of', q.keys, q.images) r
        where r.problem is null) r on r.key = k.key;
  end if;

  return query
    select p.n, x.link, x.row_image, x.payload, x.problem, p.verdict, p.plan
      from tideway_private.plan_push(map, keys, ops, v_links, v_rows, v_payloads, v_inside, v_before, batch) p
      join unnest(v_links, v_rows, v_payloads, v_problems) with ordinality as x (link, row_image, payload, problem, n) on x.n = p.n;
end;
$$;

comment on function tideway_private.plan_rows(tideway.mappings, jsonb, text[], smallint[], bigint) is
  'Reads rows and their links and says what each needs in the app; nothing is changed.';
