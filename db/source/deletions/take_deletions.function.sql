create or replace function tideway_private.take_deletions(map tideway.mappings, run tideway.sync_runs, sql jsonb, link_ids bigint[])
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_ours      bigint[];
  v_away      bigint[];
  v_free      bigint[];
  v_links     bigint[];
  v_keys      text[];
  v_gone      text[];
  v_locked    text[];
  v_edited    bigint[];
  v_busy      bigint[];
  v_problems  jsonb;
  v_moment    bigint := nextval('tideway_private.moments');
  v_lock_wait text := current_setting('lock_timeout');
begin
  if coalesce(cardinality(link_ids), 0) = 0 then
    return '{"done": 0, "held": 0}';
  end if;
  if map.shadow or coalesce(run.dry_run, false) then
    return (select jsonb_build_object('done', count(*), 'held', 0, 'changes',
                     coalesce(jsonb_agg(jsonb_build_object('op', 'delete', 'key', l.local_key, 'remote_id', l.remote_id) order by l.id), '[]'))
              from tideway_private.links l
             where l.id = any (link_ids) and map.on_remote_delete <> 'ignore' and map.direction <> 'push');
  end if;
  -- A deletion of ours that nobody answered, and that took effect: a row that stands by now is a new life.
  with ours as (
    update tideway_private.links l
       set local_gone_at = coalesce(l.local_gone_at, clock_timestamp()), remote_gone_at = clock_timestamp(),
           sent = null, sent_local = null, sent_before = null, sent_op = null, touched_at = v_moment
     where l.id = any (link_ids) and l.sent_op = 'delete' and l.sent is not null
    returning l.id
  ), done as (
    update tideway_private.deletions d
       set state = 'done', decided_at = clock_timestamp()
      from ours o
     where d.link_id = o.id and d.gone_side = 'local' and d.state in ('pending', 'held', 'released')
  )
  select array_agg(o.id) into v_ours from ours o;
  link_ids := array(select i from unnest(link_ids) i where not i = any (coalesce(v_ours, '{}')));

  -- A row whose partition is away cannot be looked at, and is not gone: it sleeps, and its record is looked up again once it is back.
  if map.direction = 'both' and tideway_private.has_detached(map) then
    execute format($q$
      select array_agg(l.id)
        from tideway_private.links l
        left join tideway_run.%I($1, null, (select array_agg(k.local_key) from tideway_private.links k where k.id = any ($2)), null) r
          on r.key = l.local_key
       where l.id = any ($2) and l.local_gone_at is null and r.key is null$q$, map.run_as)
       into v_away using sql ->> 'find_rows', link_ids;
    update tideway_private.links l
       set remote_gone_at = clock_timestamp(), dormant = true,
           sent = null, sent_local = null, sent_before = null, sent_op = null, touched_at = v_moment
     where l.id = any (v_away);
    update tideway_private.deletions d
       set state = 'withdrawn', decided_at = clock_timestamp()
     where d.link_id = any (v_away) and d.gone_side = 'remote' and d.state in ('pending', 'held', 'released');
    link_ids := array(select i from unnest(link_ids) i where not i = any (coalesce(v_away, '{}')));
  end if;
  v_free := tideway_private.judge_deletions(map, 'remote', run.id, link_ids);

  select array_agg(l.id order by l.id), array_agg(l.local_key order by l.id)
    into v_links, v_keys
    from tideway_private.links l where l.id = any (v_free);

  -- What only goes out never takes a row away here.
  if map.on_remote_delete <> 'ignore' and map.direction <> 'push' and v_keys is not null then
    execute format('select array_agg(r.key) from tideway_run.%I($1, null, $2, null) r', map.run_as) into v_locked using sql ->> 'lock_rows', v_keys;
    -- A row edited here since both sides agreed is kept: its data would be lost for good.
    execute format($q$
      select array_agg(l.id)
        from tideway_run.%I($1, null, $2, null) r
        join tideway_private.links l on l.mapping = $3 and l.local_key = r.key and l.id = any ($4)
       where exists (select from jsonb_each(r.a) e where l.local_image ? e.key and e.value is distinct from l.local_image -> e.key)$q$, map.run_as)
       into v_edited using sql ->> 'read_rows', v_keys, map.number, v_links;
    -- Somebody holds the row: it is neither deleted nor forgotten, and its record is looked up again.
    execute format($q$
      select array_agg(k.link)
        from unnest($2, $3) as k (key, link)
        join tideway_run.%I($1, null, $2, null) r on r.key = k.key
       where not k.key = any (coalesce($4, '{}'))$q$, map.run_as)
       into v_busy using sql ->> 'read_rows', v_keys, v_links, v_locked;
    v_edited := array(select e from unnest(v_edited) e where not e = any (coalesce(v_busy, '{}')));
    if not coalesce(run.force_overwrite, false) and v_edited <> '{}' then
      insert into tideway.conflicts (org_id, mapping_id, link_id, local_key, remote_id, "column", kind, policy, resolution, resolved_at, resolved_by, run_id)
      select map.org_id, map.id, l.id, l.local_key, l.remote_id, '*', 'delete_origin_differs', 'local', 'local', clock_timestamp(), 'tideway', run.id
        from tideway_private.links l where l.id = any (v_edited);
    else
      v_edited := null;
    end if;

    perform set_config('lock_timeout', '250ms', true);
    select coalesce(jsonb_object_agg(w.key, w.problem) filter (where w.problem is not null and w.problem ->> 'code' <> 'NOT_WRITTEN'), '{}')
      into v_problems
      from (select array_agg(k.key) as keys
              from unnest(v_links, v_keys) as k (link, key)
             where k.key = any (v_locked) and not k.link = any (coalesce(v_edited, '{}'))) as q
     cross join lateral tideway_private.write_rows(map.run_as, sql ->> 'delete_rows', q.keys, null) w
     where q.keys is not null;
    perform set_config('lock_timeout', v_lock_wait, true);
    select coalesce(v_busy, '{}') || coalesce(array_agg(k.link), '{}'), v_problems - coalesce(array_agg(k.key), '{}')
      into v_busy, v_problems
      from unnest(v_links, v_keys) as k (link, key) where v_problems -> k.key ->> 'code' = 'LOCKED';
    v_free := array(select f from unnest(v_free) f where not f = any (v_busy));
    perform tideway_private.defer_records(map.number, map.org_id, array_agg(l.remote_id), array_agg('locked'::text))
       from tideway_private.links l where l.id = any (v_busy)
     having count(*) > 0;
  end if;

  update tideway_private.links l
     set remote_gone_at = clock_timestamp(),
         local_gone_at = case when map.on_remote_delete = 'delete' and map.direction <> 'push' and not l.id = any (coalesce(v_edited, '{}')) then clock_timestamp() else l.local_gone_at end,
         sent = null, sent_local = null, sent_before = null, sent_op = null,
         touched_at = v_moment
   where l.id = any (v_free)
     and not coalesce(v_problems, '{}') ? l.local_key;
  update tideway_private.deletions d
     set state = case when d.link_id = any (coalesce(v_edited, '{}')) then 'withdrawn' else 'done' end, decided_at = clock_timestamp()
   where d.link_id = any (v_free)
     and d.state = 'released'
     and not exists (select from tideway_private.links l where l.id = d.link_id and coalesce(v_problems, '{}') ? l.local_key);

  if v_problems <> '{}' then
    perform tideway_private.record_errors(map.number, run.id, 'pull',
      (select jsonb_agg(jsonb_build_object('remote_id', l.remote_id, 'local_key', l.local_key) || (v_problems -> l.local_key))
         from tideway_private.links l where l.id = any (v_free) and v_problems ? l.local_key));
  end if;
  return jsonb_build_object(
    'done', coalesce(cardinality(v_ours), 0) + coalesce(cardinality(v_free), 0) - (select count(*) from jsonb_object_keys(coalesce(v_problems, '{}'))),
    'held', cardinality(link_ids) - coalesce(cardinality(v_free), 0) - coalesce(cardinality(v_busy), 0));
end;
$$;

comment on function tideway_private.take_deletions(tideway.mappings, tideway.sync_runs, jsonb, bigint[]) is
  'Records that are gone in the app: their rows are deleted, softly or not, as far as the deletion guard lets them.';
