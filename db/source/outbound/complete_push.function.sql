create or replace function tideway_private.complete_push(batch bigint, epoch bigint, outcomes jsonb, visible_after interval default '0', trust_answer boolean default false, request_life interval default null)
returns jsonb
language plpgsql
volatile
set search_path = ''
set plan_cache_mode = force_generic_plan
set random_page_cost = 1.1
set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
  v_batch   tideway_private.in_flight;
  v_map     tideway.mappings;
  v_late    integer;
  v_moment  bigint := nextval('tideway_private.moments');
  v_results text[];
  v_told    bigint[];
  v_deletes boolean;
  v_named   boolean;
  v_doubled bigint[];
  v_errors  jsonb;
  v_written text[];
begin
  select f.* into v_batch from tideway_private.in_flight f where f.id = complete_push.batch for update;
  if not found or v_batch.epoch <> complete_push.epoch then
    -- The answer of a fenced owner is evidence all the same: the ids of what it created must not be lost.
    select l.mapping into v_late
      from jsonb_to_recordset(outcomes) as o (link_id bigint)
      join tideway_private.links l on l.id = o.link_id
     limit 1;
    perform tideway_private.free_remote_ids(v_late, outcomes);
    update tideway_private.links l
       set remote_id = o.remote_id, touched_at = v_moment
      from (select distinct on (a.remote_id) a.*
              from jsonb_to_recordset(outcomes) as a (link_id bigint, result text, remote_id text)
             where a.result = 'written' and a.remote_id is not null
             order by a.remote_id, a.link_id) as o
     where l.id = o.link_id
       and l.remote_id is null
       and not exists (select from tideway_private.links t where t.mapping = l.mapping and t.remote_id = o.remote_id);
    -- People must hear of what it overwrote as well.
    if v_late is not null and jsonb_path_exists(outcomes, '$[*].harmed') then
      perform tideway_private.record_harm(v_late, outcomes);
    end if;
    return '{"late": true}';
  end if;
  v_map := tideway_private.begin_work(v_batch.mapping, epoch);
  with known as materialized (
    select l.id, l.sent_op, l.remote_id from tideway_private.links l where l.id = any (v_batch.link_ids) order by l.id for no key update
  )
  select array_agg(distinct o.result), array_agg(o.link_id), array_agg(x.key) filter (where o.result in ('written', 'not_found')),
         (select bool_or(k.sent_op = 'delete') from known k), bool_or(o.result = 'written' and o.remote_id is not null and o.remote_id is distinct from k.remote_id)
    into v_results, v_told, v_written, v_deletes, v_named
    from jsonb_to_recordset(outcomes) as o (link_id bigint, result text, remote_id text)
    left join unnest(v_batch.keys, v_batch.link_ids) as x (key, link) on x.link = o.link_id
    left join known k on k.id = o.link_id;

  -- An answer that dies with the server is as one that never came, and its rows are read back. Only the ids of new records wait for
  -- the disk: not every app lets them be looked up.
  if not v_named then
    perform set_config('synchronous_commit', 'off', true);
  end if;
  if v_named or 'found' = any (v_results) then
    perform tideway_private.free_remote_ids(v_map.number, outcomes);
  end if;
  -- Two links must never hold one record; the second is reported below.
  if v_named then
    select array_agg(o.link_id) into v_doubled
      from (select a.*, row_number() over (partition by a.remote_id order by a.link_id) as nth
              from jsonb_to_recordset(outcomes) as a (link_id bigint, result text, remote_id text)) as o
      join tideway_private.links l on l.id = o.link_id
     where o.remote_id is not null
       and l.remote_id is distinct from o.remote_id
       and (o.nth > 1 or exists (select from tideway_private.links t where t.mapping = l.mapping and t.remote_id = o.remote_id and t.id <> l.id));
  end if;

  -- Written: only the fields that were sent move, and only to what the app showed.
  with mapped as materialized (
    select c.field, c.remote, c.type from tideway.mapping_columns c where c.mapping_id = v_map.id
  )
  update tideway_private.links l
     set (local_image, remote_diff, sent, sent_local, sent_before, sent_op, resent) = (
           select l.local_image || d.local_set,
                  -- As sparse_difference(), written out: a call for each row costs more than the row itself.
                  (l.remote_diff - s.fields)
                  || case when s.remote_set = d.local_set then '{}'
                          else coalesce((select jsonb_object_agg(e.key, e.value) from jsonb_each(s.remote_set) e
                                          where e.value is distinct from (l.local_image || d.local_set) -> e.key), '{}') end,
                  nullif(d.rest, '{}'),
                  nullif(d.rest_local, '{}'),
                  nullif(l.sent_before - s.fields, '{}'),
                  case when d.rest = '{}' then null else l.sent_op end,
                  case when d.rest = '{}' then 0 else l.resent end
             from (select coalesce(array_agg(c.field), '{}') as fields,
                          coalesce(jsonb_object_agg(c.field, case when trust_answer then coalesce(o.shown -> c.remote, l.sent -> c.field) else o.shown -> c.remote end), '{}') as remote_set
                     from mapped c
                    where l.sent ? c.field
                      and visible_after = '0'
                      and (trust_answer or o.shown ? c.remote)
                      and coalesce(l.visible_from <= clock_timestamp(), true)
                      -- An answer that shows an older value of ours settles nothing; a read will tell whether the write was kept.
                      and (trust_answer or o.shown -> c.remote = l.sent -> c.field or tideway_private.same_value(l.sent -> c.field, o.shown -> c.remote, c.type)
                           or (o.shown -> c.remote is distinct from coalesce(l.remote_diff -> c.field, l.local_image -> c.field)
                               and not tideway_private.was_sent(coalesce(l.sent_before -> c.field, '[]'), o.shown -> c.remote, c.type)))) as s
            cross join lateral (
              select r.rest, r.rest_local,
                     case when r.rest_local = '{}' then l.sent_local else coalesce(l.sent_local - array(select jsonb_object_keys(r.rest_local)), '{}') end as local_set
                from (select l.sent - s.fields as rest, l.sent_local - s.fields as rest_local) as r) as d),
         remote_id = coalesce(l.remote_id, o.remote_id),
         version = o.version,
         answered_at = v_moment,
         visible_from = greatest(clock_timestamp() + visible_after, l.visible_from),
         touched_at = v_moment,
         synced_at = clock_timestamp()
    from jsonb_to_recordset(outcomes) as o (link_id bigint, result text, remote_id text, shown jsonb, version text)
   where l.id = o.link_id
     and o.result = 'written'
     and l.sent_op in ('create', 'update')
     and l.id <> all (coalesce(v_doubled, '{}'));

  if v_deletes then
    update tideway_private.links l
       set local_gone_at = coalesce(l.local_gone_at, clock_timestamp()),
           remote_gone_at = case when v_map.on_local_delete like 'soft_delete:%' then null else clock_timestamp() end,
           dormant = v_map.on_local_delete like 'soft_delete:%',
           sent = null, sent_local = null, sent_before = null, sent_op = null,
           touched_at = v_moment
      from jsonb_to_recordset(outcomes) as o (link_id bigint, result text)
     where l.id = o.link_id
       and l.sent_op = 'delete'
       and o.result in ('written', 'not_found');
    update tideway_private.deletions d
       set state = 'done'
      from jsonb_to_recordset(outcomes) as o (link_id bigint, result text)
     where d.link_id = o.link_id and d.gone_side = 'local' and d.state = 'released' and o.result in ('written', 'not_found');
  end if;

  -- Most batches are written without exception, and need nothing of this.
  if v_results <> '{written}' then
    -- A request without an answer left before now, so its longest life counts from now at the latest.
    update tideway_private.links l
       set sent_until = clock_timestamp() + request_life
      from jsonb_to_recordset(outcomes) as o (link_id bigint, result text)
     where l.id = o.link_id and o.result = 'uncertain' and request_life is not null;

    -- Not written, and known to be so: nothing of it can turn up later.
    delete from tideway_private.links l
     using jsonb_to_recordset(outcomes) as o (link_id bigint, result text)
     where l.id = o.link_id and l.remote_id is null and l.sent_op = 'create' and o.result in ('refused', 'retry', 'not_found')
       and not exists (select from tideway.conflicts c where c.link_id = l.id and c.resolved_at is null);
    update tideway_private.links l
       set sent = null, sent_local = null, sent_op = null, touched_at = v_moment
      from jsonb_to_recordset(outcomes) as o (link_id bigint, result text)
     where l.id = o.link_id
       and o.result in ('refused', 'retry', 'conflict')
       and l.sent_before is null;

    -- A create that a lookup did not find is made now. One that it found may be older than our write.
    update tideway_private.links l
       set sent = null, sent_local = null, sent_before = null, touched_at = v_moment
      from jsonb_to_recordset(outcomes) as o (link_id bigint, result text)
     where l.id = o.link_id and o.result = 'missing' and l.remote_id is null;
    update tideway_private.links l
       set remote_id = o.remote_id,
           local_image = l.local_image || s.local_set,
           remote_diff = tideway_private.sparse_difference(l.remote_diff, s.remote_set, l.local_image || s.local_set),
           version = o.version,
           sent = null, sent_local = null, sent_before = null, sent_op = null,
           touched_at = v_moment
      from (select distinct on (a.remote_id) a.*
              from jsonb_to_recordset(outcomes) as a (link_id bigint, result text, remote_id text, shown jsonb, version text)
             where a.result = 'found'
             order by a.remote_id, a.link_id) as o
     cross join lateral (
       select coalesce(jsonb_object_agg(c.field, coalesce(c.older, k.sent_local -> c.field)) filter (where c.field is not null), '{}') as local_set,
              coalesce(jsonb_object_agg(c.field, coalesce(c.seen, c.older, k.sent -> c.field)) filter (where c.field is not null), '{}') as remote_set
         from tideway_private.links k
         left join lateral (
           -- An older value of ours is what both sides knew then. Another value than any of ours is somebody's edit after it, and
           -- a read will merge it; the row is compared with what may have been sent last.
           select m.field,
                  case when h.is_sent then null
                       when h.was_sent is not null then h.was_sent
                       else k.sent_before -> m.field -> -1 end as older,
                  case when h.is_sent or h.was_sent is not null then o.shown -> m.remote end as seen
             from tideway.mapping_columns m
            cross join lateral (
              select tideway_private.same_value(k.sent -> m.field, o.shown -> m.remote, m.type) as is_sent,
                     (select e.value from jsonb_array_elements(k.sent_before -> m.field) e
                       where tideway_private.same_value(e.value, o.shown -> m.remote, m.type) limit 1) as was_sent) h
            where m.mapping_id = v_map.id
              and k.sent ? m.field and o.shown ? m.remote) c on true
        where k.id = o.link_id) as s
     where l.id = o.link_id
       and l.remote_id is null
       and not exists (select from tideway_private.links t where t.mapping = l.mapping and t.remote_id = o.remote_id);

    perform tideway_private.defer_records(v_map.number, v_map.org_id, array_agg(l.remote_id), array_agg('found'::text), true)
       from jsonb_to_recordset(outcomes) as o (link_id bigint, result text, remote_id text, shown jsonb)
       join tideway_private.links l on l.id = o.link_id and l.remote_id = o.remote_id
      where o.result = 'found'
        and exists (select from tideway.mapping_columns c
                     where c.mapping_id = v_map.id and l.local_image ? c.field and o.shown ? c.remote
                       and o.shown -> c.remote is distinct from coalesce(l.remote_diff -> c.field, l.local_image -> c.field))
     having count(*) > 0;

    -- A record that is gone where we meant to change it: a deletion found, never a reason to create it again.
    perform tideway_private.defer_records(v_map.number, v_map.org_id, array_agg(l.remote_id), array_agg(case o.result when 'not_found' then 'gone' else 'conflict' end), true)
       from jsonb_to_recordset(outcomes) as o (link_id bigint, result text)
       join tideway_private.links l on l.id = o.link_id
      where o.result in ('not_found', 'conflict') and l.remote_id is not null and l.remote_gone_at is null
     having count(*) > 0;
    update tideway_private.links l
       set sent = null, sent_local = null, sent_before = null, sent_op = null, touched_at = v_moment
      from jsonb_to_recordset(outcomes) as o (link_id bigint, result text)
     where l.id = o.link_id and o.result = 'not_found' and l.sent_op = 'update';

    perform tideway_private.retry_later(v_map, v_batch, outcomes);
  end if;
  -- Where the mapping is not polled, somebody must look whether the write was kept.
  if v_map.direction = 'push' or v_map.schedule = 'manual' then
    perform tideway_private.defer_records(v_map.number, v_map.org_id, array_agg(l.remote_id), array_agg('unseen'::text), false)
       from jsonb_to_recordset(outcomes) as o (link_id bigint, result text)
       join tideway_private.links l on l.id = o.link_id
      where l.sent is not null and l.remote_id is not null
     having count(*) > 0;
  end if;

  if v_named or v_results <> '{written}' then
    select jsonb_agg(jsonb_build_object('local_key', x.key, 'remote_id', coalesce(o.remote_id, l.remote_id), 'column', c.local,
             'class', case when o.result = 'written' then 'CONFLICT' else coalesce(o.class, 'API_ERROR') end,
             'code', case when o.result = 'written' then 'DUPLICATE_REMOTE' else coalesce(o.code, o.class, 'API_ERROR') end,
             'message', case when o.result = 'written' then format('The app named the record %s, which is another row''s', o.remote_id)
                             else coalesce(o.message, 'The app gave no reason') end,
             'retryable', o.result in ('retry', 'uncertain', 'conflict')))
      into v_errors
      from jsonb_to_recordset(outcomes) as o (link_id bigint, result text, remote_id text, class text, code text, message text, "column" text)
      join unnest(v_batch.keys, v_batch.link_ids) as x (key, link) on x.link = o.link_id
      left join tideway_private.links l on l.id = o.link_id
      left join lateral (select m.local from tideway.mapping_columns m where m.mapping_id = v_map.id and m.remote = o."column" limit 1) c on true
     where o.result in ('refused', 'retry', 'uncertain', 'conflict')
        or (o.result = 'written' and o.remote_id is not null and l.remote_id is distinct from o.remote_id);
  end if;
  if v_errors is not null then
    perform tideway_private.record_errors(v_map.number, null, 'push', v_errors);
  end if;
  if jsonb_path_exists(outcomes, '$[*].harmed') then
    perform tideway_private.record_harm(v_map.number, outcomes);
  end if;

  if v_written is not null then
    perform tideway_private.finish_rows(v_map, v_written);
  end if;

  -- Rows that nobody spoke of may have been sent all the same.
  perform tideway_private.park_rows(v_map, array_agg(x.key), array_agg(x.op), 'retry', clock_timestamp() + v_map.retry_base)
     from unnest(v_batch.keys, v_batch.ops, v_batch.link_ids) as x (key, op, link)
    where x.link is not null
      and not exists (select from unnest(v_told) as t (link) where t.link = x.link)
   having count(*) > 0;

  insert into tideway.sync_activity_log (org_id, mapping_id, connection_id, entity_type, source_system, action, status, record_count, duration_ms)
  select v_map.org_id, v_map.id, v_map.connection_id, v_map.local_name, c.system, 'push',
         case when v_errors is null then 'completed' else 'completed_with_errors' end,
         coalesce(cardinality(v_written), 0), round(extract(epoch from clock_timestamp() - v_batch.claimed_at) * 1000)
    from tideway.connections c where c.id = v_map.connection_id;
  if v_map.log_rows and v_written is not null then
    insert into tideway.sync_activity_log (org_id, mapping_id, connection_id, entity_type, action, status, record_id, message)
    select v_map.org_id, v_map.id, v_map.connection_id, v_map.local_name, 'push_row', 'completed', k, 'written'
      from unnest(v_written) k;
  end if;
  delete from tideway_private.in_flight f where f.id = batch;
  return jsonb_build_object('written', coalesce(cardinality(v_written), 0), 'failed', coalesce(jsonb_array_length(v_errors), 0));
end;
$$;

comment on function tideway_private.complete_push(bigint, bigint, jsonb, interval, boolean, interval) is
$$Stores what became of a batch, one outcome a row: {link_id, result, remote_id, shown, version, class, code, message, column, retry_after_ms, harmed}.

Results: written, refused, retry (surely not written), uncertain (perhaps written), not_found, conflict, found (a lookup
found its create), missing (it did not). visible_after is how long the app may still show the old value; trust_answer is
for apps that cannot be read back; request_life is how long an unanswered request may still take effect. harmed names what the write
took from other records, whatever its result: {remote_id, class, code, message, column} each.$$;
