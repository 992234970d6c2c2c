create or replace function tideway_private.prepare_push(batch bigint, epoch bigint, request_life interval default '60 s', visible_after interval default '0', compares boolean default false)
returns table (ord integer, op text, link_id bigint, local_key text, remote_id text, payload jsonb, expected jsonb, correlation jsonb, idempotency_key text, attempt integer, fields jsonb, version text)
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
  v_batch    tideway_private.in_flight;
  v_sample   tideway_private.in_flight;
  v_map      tideway.mappings;
  v_sql      jsonb;
  v_trouble  jsonb;
  v_same     text[];
  v_links    bigint[];
  v_made     bigint[];
  v_rows     jsonb[];
  v_payloads jsonb[];
  v_plan     jsonb[];
  v_problems jsonb[];
  v_verdicts text[];
  v_kinds    text[];
  v_sent     boolean;
  v_asleep   boolean;
  v_agreed   boolean;
  v_reverts  boolean;
  v_deletes  bigint[];
  v_unread   text[];
  v_reasons  text[];
  v_moment   bigint := nextval('tideway_private.moments');
begin
  select f.* into v_batch from tideway_private.in_flight f where f.id = prepare_push.batch for update;
  if not found or v_batch.epoch <> prepare_push.epoch then
    raise exception 'Batch % is not in flight under epoch %.', batch, epoch
      using errcode = 'TWLSE', hint = 'It was given back when its owner lost the lease; claim again.';
  end if;
  v_map := tideway_private.begin_work(v_batch.mapping, epoch);
  perform pg_advisory_xact_lock_shared(tideway_private.lock_key('apply'), v_map.number);
  v_sql := tideway_private.statements_of(v_map.number);

  v_trouble := tideway_private.table_trouble(v_map, writes => false);
  if v_trouble is not null then
    perform tideway_private.stop_mapping(v_map, v_trouble);
  end if;
  if v_trouble is not null or not tideway_private.apply_key_moves(v_map.number) then
    perform tideway_private.park_rows(v_map, v_batch.keys, v_batch.ops, 'retry', clock_timestamp() + case when v_trouble is null then interval '20 ms' else '0' end);
    delete from tideway_private.in_flight f where f.id = batch;
    return;
  end if;

  -- Links are locked before rows are read: an apply between the two could make us push an old value back.
  select bool_or(k.sent is not null), bool_or(k.dormant or k.local_gone_at is not null)
    into v_sent, v_asleep
    from (select l.sent, l.dormant, l.local_gone_at
            from tideway_private.row_links l
           where l.mapping = v_map.number and l.local_key = any (v_batch.keys)
           order by l.id
             for no key update) as k;

  -- Most marks of a busy table are echoes and rewrites: rows that are as their links know them need no plan. The first
  -- few tell whether this is such a batch; where they all differ, or are few, the plan finds the row that does not.
  if cardinality(v_batch.keys) > 20 then
    v_sample := v_batch;
    v_sample.keys := v_batch.keys[1 : 20];
    v_sample.ops := v_batch.ops[1 : 20];
    v_same := tideway_private.unchanged_rows(v_map, v_sql, v_sample);
    if v_same is not null then
      v_same := tideway_private.unchanged_rows(v_map, v_sql, v_batch);
    end if;
  end if;
  if v_same is not null then
    perform tideway_private.finish_rows(v_map, v_same);
    select array_agg(x.key order by x.n), array_agg(x.op order by x.n), array_agg(x.xid order by x.n), array_agg(x.marked_at order by x.n)
      into v_batch.keys, v_batch.ops, v_batch.xids, v_batch.marked_ats
      from unnest(v_batch.keys, v_batch.ops, v_batch.xids, v_batch.marked_ats) with ordinality as x (key, op, xid, marked_at, n)
      left join unnest(v_same) as s (key) on s.key = x.key
     where s.key is null;
    if v_batch.keys is null then
      delete from tideway_private.in_flight f where f.id = batch;
      return;
    end if;
  end if;

  if not tideway_private.partitions_of(v_map.local_table) <@ v_map.partitions then
    update tideway.mappings m
       set partitions = array(select distinct p from unnest(m.partitions || tideway_private.partitions_of(v_map.local_table)) p order by p)
     where m.id = v_map.id
    returning * into v_map;
  end if;
  select array_agg(p.link_id order by p.n), array_agg(p.row_image order by p.n), array_agg(p.payload order by p.n),
         array_agg(p.problem order by p.n), array_agg(p.verdict order by p.n), array_agg(p.plan order by p.n),
         array_agg(distinct p.verdict), bool_or(p.plan ? 'agreed_local'), bool_or(p.plan ? 'revert')
    into v_links, v_rows, v_payloads, v_problems, v_verdicts, v_plan, v_kinds, v_agreed, v_reverts
    from tideway_private.plan_rows(v_map, v_sql, v_batch.keys, v_batch.ops, batch) p;

  -- A row that the mapping's own transform or filter cannot take fails alone; a change to it gives it a new start.
  if array_remove(v_problems, null) <> '{}' then
    select array_agg(case when x.problem is null then x.verdict else 'failed' end order by x.n)
      into v_verdicts
      from unnest(v_verdicts, v_problems) with ordinality as x (verdict, problem, n);
    perform tideway_private.park_rows(v_map, array_agg(x.key), array_agg(x.op), 'failed', null)
       from unnest(v_batch.keys, v_batch.ops, v_problems) as x (key, op, problem) where x.problem is not null;
    perform tideway_private.record_errors(v_map.number, null, 'push',
              (select jsonb_agg(jsonb_build_object('local_key', x.key) || x.problem)
                 from unnest(v_batch.keys, v_problems) as x (key, problem) where x.problem is not null));
  end if;

  if v_kinds && '{delete,soft_delete}' then
    v_deletes := tideway_private.judge_deletions(v_map, 'local', null,
      (select coalesce(array_agg(x.link), '{}') from unnest(v_links, v_verdicts) as x (link, verdict) where x.verdict in ('delete', 'soft_delete')));
    select array_agg(case when x.verdict in ('delete', 'soft_delete') and not x.link = any (coalesce(v_deletes, '{}')) then 'held' else x.verdict end order by x.n)
      into v_verdicts
      from unnest(v_links, v_verdicts) with ordinality as x (link, verdict, n);
    v_kinds := v_kinds || 'held'::text;
  end if;

  -- An app that queues its writes may carry them out in another order: the next one of a row waits until the last can be seen.
  if visible_after > '0' and v_sent then
    select array_agg(case when l.sent is not null and l.answered_at is not null and l.visible_from > clock_timestamp()
                               and x.verdict in ('update', 'delete', 'soft_delete') then 'unseen' else x.verdict end order by x.n)
      into v_verdicts
      from unnest(v_links, v_verdicts) with ordinality as x (link, verdict, n)
      left join tideway_private.links l on l.id = x.link;
    perform tideway_private.park_rows(v_map, array_agg(x.key), array_agg(x.op), 'retry', max(l.visible_from))
       from unnest(v_batch.keys, v_batch.ops, v_links, v_verdicts) as x (key, op, link, verdict)
       join tideway_private.links l on l.id = x.link
      where x.verdict = 'unseen'
     having count(*) > 0;
  end if;

  -- A record that a lookup found changed, or of which the app said so, is read first: a write would overwrite what nobody was told of,
  -- or be refused again. So is one about which a person has decided, since the read carries that out, one that a deletion
  -- of ours without an answer may have taken away before its row came back, one that was found gone while the row's partition
  -- was away, and one of which an update had no answer, until a read has shown that it got lost. So is one that an app which
  -- compares versions took from us without saying its new one: the next write could demand nothing, and would go over what a
  -- person has written there since.
  if v_sent or 'woken' = any (v_kinds)
     or exists (select from tideway_private.rereads r where r.mapping = v_map.number)
     or exists (select from tideway_private.waiting w where w.mapping = v_map.number and w.local_key = any (v_batch.keys)) then
    select array_agg(case when x.verdict in ('update', 'delete', 'soft_delete')
                               and (r.reason = 'conflict' or r.reason = 'found' and v_map.direction = 'both' or r.remote_id is not null and l.decisions is not null)
                            or u.deleted or u.unread
                            -- Held since the claim: a page found a conflict, or somebody paused the row.
                            or x.verdict in ('create', 'update', 'delete', 'soft_delete') and w.reason in ('conflict', 'paused', 'flapping')
                            then 'unread' else x.verdict end order by x.n),
           array_agg(l.remote_id) filter (where (u.deleted or u.unread) and coalesce(r.reason not in ('conflict', 'found'), true)),
           array_agg(case when u.deleted then 'conflict' else 'found' end)
             filter (where (u.deleted or u.unread) and coalesce(r.reason not in ('conflict', 'found'), true))
      into v_verdicts, v_unread, v_reasons
      from unnest(v_links, v_verdicts, v_rows, v_batch.keys) with ordinality as x (link, verdict, row_image, key, n)
      left join tideway_private.links l on l.id = x.link
      left join tideway_private.waiting w on w.mapping = v_map.number and w.local_key = x.key
      left join tideway_private.rereads r on r.mapping = v_map.number and r.remote_id = l.remote_id
      left join lateral (
        select x.verdict = 'woken' or x.verdict in ('update', 'nothing') and l.sent_op = 'delete' as deleted,
               x.verdict = 'update' and l.resent <> 1 and v_map.direction = 'both'
                 and (l.answered_at is null and l.sent_op = 'update' or compares and l.version is null) as unread
         where x.row_image is not null and (l.sent is not null or x.verdict = 'woken') and l.remote_id is not null) u on true;
    if v_unread is not null then
      perform tideway_private.defer_records(v_map.number, v_map.org_id, v_unread, v_reasons, true);
    end if;
    perform tideway_private.park_rows(v_map, array_agg(x.key), array_agg(x.op), 'retry', clock_timestamp() + interval '200 ms')
       from unnest(v_batch.keys, v_batch.ops, v_verdicts) as x (key, op, verdict)
      where x.verdict = 'unread'
     having count(*) > 0;
  end if;

  -- Rows that need no request: images move where both sides agree, tombstones and sleep are noted.
  if v_asleep or v_agreed or v_kinds && '{held,delete,soft_delete,local_gone,sleep}' then
    update tideway_private.links l
       set local_image = l.local_image || coalesce(x.plan -> 'agreed_local', '{}'),
           remote_diff = tideway_private.sparse_difference(l.remote_diff, coalesce(x.plan -> 'agreed_remote', '{}'), l.local_image || coalesce(x.plan -> 'agreed_local', '{}')),
           local_gone_at = case when x.verdict in ('held', 'delete', 'soft_delete', 'local_gone') then coalesce(l.local_gone_at, clock_timestamp())
                                when x.row_image is not null then null else l.local_gone_at end,
           remote_gone_at = case when x.verdict = 'unread' then null else l.remote_gone_at end,
           dormant = case when x.verdict = 'sleep' then true when x.verdict in ('update', 'nothing', 'unread') and x.row_image is not null then false else l.dormant end,
           touched_at = v_moment
      from unnest(v_links, v_verdicts, v_plan, v_rows) as x (link, verdict, plan, row_image)
     where l.id = x.link
       and (x.verdict in ('held', 'delete', 'soft_delete', 'local_gone', 'sleep') or x.plan ? 'agreed_local'
            or (x.verdict in ('update', 'nothing', 'unread') and x.row_image is not null and (l.dormant or l.local_gone_at is not null)));
  end if;
  if v_map.on_filter_exit = 'keep'
     and exists (select from tideway_private.deletions d where d.mapping = v_map.number and d.gone_side = 'local' and d.state in ('pending', 'held', 'released')) then
    update tideway_private.deletions d
       set state = 'withdrawn', decided_at = clock_timestamp()
      from unnest(v_links, v_rows) as x (link, row_image)
     where d.link_id = x.link and x.row_image is not null and d.gone_side = 'local' and d.state in ('pending', 'held', 'released');
  end if;
  if v_reverts then
    perform tideway_private.defer_records(v_map.number, v_map.org_id, array_agg(l.remote_id), array_agg('compare'::text), true)
       from unnest(v_links, v_plan) as x (link, plan)
       join tideway_private.links l on l.id = x.link
      where x.plan ? 'revert'
     having count(*) > 0;
  end if;

  if v_kinds && '{first_read,dependency}' then
    perform tideway_private.park_rows(v_map, array_agg(x.key), array_agg(x.op),
              'dependency', clock_timestamp() + interval '5 s')
       from unnest(v_batch.keys, v_batch.ops, v_verdicts) as x (key, op, verdict)
      where x.verdict in ('first_read', 'dependency')
     having count(*) > 0;
  end if;
  if 'elsewhere' = any (v_kinds) then
    perform tideway_private.park_rows(v_map, array_agg(x.key), array_agg(x.op), 'retry', clock_timestamp() + interval '50 ms')
       from unnest(v_batch.keys, v_batch.ops, v_verdicts) as x (key, op, verdict)
      where x.verdict = 'elsewhere'
     having count(*) > 0;
  end if;
  if v_kinds && '{nothing,held,local_gone,sleep}' then
    perform tideway_private.finish_rows(v_map, array_agg(x.key))
       from unnest(v_batch.keys, v_verdicts) as x (key, verdict)
      where x.verdict in ('nothing', 'held', 'local_gone', 'sleep')
     having count(*) > 0;
  end if;
  if 'flapping' = any (v_kinds) then
    perform tideway_private.hold_flapping(v_map, array_agg(x.key)) from unnest(v_batch.keys, v_verdicts) as x (key, verdict)
      where x.verdict = 'flapping' having count(*) > 0;
  end if;

  -- A row whose record is gone, deleted here and born again: the old link stays as a tombstone of its remote id.
  if 'rebirth' = any (v_kinds) then
    update tideway_private.links l
       set local_gone_at = clock_timestamp(), touched_at = v_moment
      from unnest(v_links, v_verdicts) as x (link, verdict)
     where l.id = x.link and x.verdict = 'rebirth';
    select array_agg(case when x.verdict = 'rebirth' then null else x.link end order by x.n),
           array_agg(case when x.verdict = 'rebirth' then 'create' else x.verdict end order by x.n)
      into v_links, v_verdicts
      from unnest(v_links, v_verdicts) with ordinality as x (link, verdict, n);
  end if;

  -- What is about to be sent is in the link before anything leaves.
  -- From here on links are found by their id: without statistics the planner would read all of a mapping's links for each key.
  v_made := v_links;
  if v_kinds && '{create,rebirth}' then
    with made as (
      insert into tideway_private.links (mapping, org_id, local_key, lane, sent, sent_local, sent_op, sent_no, sent_until, touched_at)
      select v_map.number, v_map.org_id, x.key, (hashtextextended(x.key, 0) & 15)::smallint, x.plan -> 'sent', x.plan -> 'sent_local', 'create',
             nextval('tideway_private.moments'), clock_timestamp() + request_life, v_moment
        from unnest(v_batch.keys, v_verdicts, v_plan, v_links) as x (key, verdict, plan, link)
       where x.verdict = 'create' and x.link is null
      returning id, local_key
    )
    select array_agg(coalesce(x.link, m.id) order by x.n) into v_made
      from unnest(v_batch.keys, v_links) with ordinality as x (key, link, n)
      left join made m on m.local_key = x.key;
  end if;
  update tideway_private.in_flight f
     set prepared_at = clock_timestamp(),
         keys = s.keys, ops = s.ops, xids = s.xids, marked_ats = s.marked_ats, link_ids = s.link_ids
    from (select array_agg(x.key order by x.n) as keys, array_agg(x.op order by x.n) as ops, array_agg(x.xid order by x.n) as xids,
                 array_agg(x.marked_at order by x.n) as marked_ats, array_agg(x.link order by x.n) as link_ids
            from unnest(v_batch.keys, v_batch.ops, v_batch.xids, v_batch.marked_ats, v_verdicts, v_made) with ordinality as x (key, op, xid, marked_at, verdict, link, n)
           where x.verdict in ('create', 'update', 'delete', 'soft_delete', 'lookup')) as s
   where f.id = batch
     and s.keys is not null;
  if not found then
    delete from tideway_private.in_flight f where f.id = batch;
    return;
  end if;

  return query
    with sent as (
      update tideway_private.links l
         set sent_before = case when l.sent is null then null else tideway_private.older_values(coalesce(l.sent_before, '{}'), l.sent, coalesce(x.plan -> 'sent', '{}')) end,
             sent_no = case when l.sent is not null and l.sent @> coalesce(x.plan -> 'sent', '{}') and l.sent_op = case x.verdict when 'lookup' then 'create' when 'soft_delete' then 'delete' else x.verdict end
                            then l.sent_no else nextval('tideway_private.moments') end,
             sent = case when x.verdict in ('delete', 'soft_delete') then coalesce(l.sent, '{}') when x.verdict = 'lookup' and x.plan -> 'sent' is null then l.sent else coalesce(l.sent, '{}') || (x.plan -> 'sent') end,
             sent_local = coalesce(l.sent_local, '{}') || coalesce(x.plan -> 'sent_local', '{}'),
             sent_op = case x.verdict when 'lookup' then 'create' when 'soft_delete' then 'delete' else x.verdict end,
             -- One: a read did not show it; two: it was sent again since.
             resent = case when l.sent @> coalesce(x.plan -> 'sent', '{}') and l.resent > 0 then 2 else 0 end,
             pulled_at = null,
             sent_until = clock_timestamp() + request_life,
             answered_at = null,
             -- An earlier request may still land after this one: no answer settles anything before that time is over.
             visible_from = case when l.sent is null then null when l.answered_at is null then greatest(l.sent_until, l.visible_from) else l.visible_from end,
             rewrites = case when x.plan ? 'rewrite' then case when l.rewrites_since > clock_timestamp() - interval '10 min' then l.rewrites + 1 else 1 end else l.rewrites end,
             rewrites_since = case when x.plan ? 'rewrite' and (l.rewrites_since is null or l.rewrites_since <= clock_timestamp() - interval '10 min') then clock_timestamp() else l.rewrites_since end,
             touched_at = v_moment
        from unnest(v_links, v_verdicts, v_plan, v_batch.keys, v_payloads) with ordinality as x (link, verdict, plan, key, payload, n)
       where l.id = x.link
         and x.verdict in ('create', 'update', 'delete', 'soft_delete', 'lookup')
      returning x.n, x.verdict, x.key, x.payload, l.id, l.remote_id, l.local_image, l.remote_diff, l.sent, l.sent_no, l.version,
                case when x.verdict = 'lookup' then l.sent else x.plan -> 'sent' end as goes,
                case when x.verdict = 'update' then l.local_image || l.remote_diff || coalesce(l.sent, '{}') end as whole
    ), item as (
      select * from sent
       union all
      -- What was made just now.
      select x.n, x.verdict, x.key, x.payload, l.id, l.remote_id, l.local_image, l.remote_diff, l.sent, l.sent_no, l.version, l.sent, null
        from unnest(v_links, v_verdicts, v_batch.keys, v_payloads, v_made) with ordinality as x (link, verdict, key, payload, made, n)
        join tideway_private.links l on l.id = x.made
       where x.link is null
    ), column_name as materialized (
      select c.remote, c.field, c.direction in ('push', 'both') as written, c.is_remote_id, c.local = any (v_map.key_columns) as is_key
        from tideway.mapping_columns c
       where c.mapping_id = v_map.id
    )
    select i.n::integer, case i.verdict when 'soft_delete' then 'update' else i.verdict end, i.id, i.key, i.remote_id,
           case when i.verdict = 'soft_delete' then jsonb_build_object(substr(v_map.on_local_delete, 13), true) else '{}' end || coalesce(a.goes, '{}'),
           a.expected, a.correlation,
           format('tideway-%s-%s', i.id, i.sent_no),
           coalesce(w.attempts_started, 0) + 1,
           a.fields,
           -- Where an unanswered write of ours has moved the record on, the app refuses, and a read tells.
           case when i.verdict in ('update', 'delete', 'soft_delete') then i.version end
      from item i
     cross join lateral (
       select jsonb_object_agg(c.remote, i.goes -> c.field) filter (where i.goes ? c.field) as goes,
              jsonb_object_agg(c.remote, coalesce(i.remote_diff -> c.field, i.local_image -> c.field))
                filter (where i.verdict = 'update' and i.goes ? c.field) as expected,
              jsonb_object_agg(c.remote, coalesce(i.payload -> c.field, i.sent -> c.field))
                filter (where i.verdict in ('create', 'lookup') and c.written and c.is_key) as correlation,
              jsonb_object_agg(c.remote, i.whole -> c.field) filter (where c.written and not c.is_remote_id and i.whole ? c.field) as fields
         from column_name c) a
      left join tideway_private.waiting w on w.mapping = v_map.number and w.local_key = i.key
     order by i.n;
end;
$$;

comment on function tideway_private.prepare_push(bigint, bigint, interval, interval, boolean) is
$$Reads the rows of a claimed batch, compares each with its link and returns what must be sent: create, update, delete, or
lookup (a create whose answer was lost: find it by its correlation column first). Rows that the app already shows are dropped.

What is about to be sent is stored in the links before this function returns. fields are all values that the record should
have then, for apps that replace whole records; version is what the record must still be, for apps that can check it
(compares).$$;
