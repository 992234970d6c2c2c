create or replace function tideway_private.unchanged_rows(map tideway.mappings, sql jsonb, batch tideway_private.in_flight)
returns text[]
language plpgsql
volatile
set search_path = ''
set plan_cache_mode = force_custom_plan
set random_page_cost = 1.1
as $$
#variable_conflict use_column
declare
  v_keys    text[];
  v_images  jsonb[];
  v_same    text[];
begin
  -- A filter or a parent may have changed while the row did not; such mappings plan every row.
  if map.local_filter is not null or map.pattern is not null or map.only_listed
     or exists (select from tideway.mapping_columns c where c.mapping_id = map.id and c.references_mapping is not null) then
    return null;
  end if;

  -- Asked for by a list of keys, as a join on the key reads every link of the mapping while a young table has no statistics.
  v_keys := array(select x.key from unnest(batch.keys, batch.ops) as x (key, op) where x.op & 8 = 0);
  select array_agg(l.local_key), array_agg(l.local_image)
    into v_keys, v_images
    from tideway_private.links l
   where l.mapping = map.number
     and l.local_key = any (v_keys)
     and l.remote_id is not null
     and l.sent is null
     and l.local_gone_at is null
     and l.remote_gone_at is null
     and not l.dormant
     and l.id not in (select u.id from tideway_private.in_flight f cross join lateral unnest(f.link_ids) as u (id)
                       where f.mapping = map.number and f.id <> batch.id and u.id is not null)
     and not exists (select from tideway_private.deletions d where d.link_id = l.id and d.state in ('pending', 'held', 'released'));
  if v_keys is null then
    return null;
  end if;

  execute format($q$
    select array_agg(r.key)
      from tideway_run.%I($1, null, $2, null) r
      join unnest($2, $3) as k (key, image) on k.key = r.key
     where r.a = k.image$q$, map.run_as)
     into v_same using sql ->> 'read_rows', v_keys, v_images;
  return v_same;
end;
$$;

comment on function tideway_private.unchanged_rows(tideway.mappings, jsonb, tideway_private.in_flight) is
  'The keys of a batch whose rows are exactly as their links know them, with nothing sent and nothing else pending; their links must be locked.';
