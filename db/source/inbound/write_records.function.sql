create or replace function tideway_private.write_records(
  map       tideway.mappings,
  run       tideway.sync_runs,
  sql       jsonb,
  started   timestamptz,
  recs      jsonb[],
  ids       text[],
  keys      text[],
  links     bigint[],
  verdicts  text[],
  settled   boolean[],
  vals      jsonb[],
  diffs     jsonb[],
  compare   text[],
  errors    jsonb,
  of_records bigint
)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_dry        boolean := coalesce(run.dry_run, false) or map.shadow;
  v_entity     text := (select c.relname from pg_catalog.pg_class c where c.oid = map.local_table);
  v_rows       jsonb[];
  v_sought     text[];
  v_locked     text[];
  v_covered    jsonb[];
  v_writes     jsonb[];
  v_local      jsonb[];
  v_remote     jsonb[];
  v_done       jsonb[];
  v_conflicts  jsonb[];
  v_push       boolean[];
  v_resend     jsonb[];
  v_emptied    jsonb;
  v_raw        jsonb[];
  v_new_keys   text[];
  v_problems   jsonb;
  v_moment     bigint := nextval('tideway_private.moments');
  v_lock_wait  text := current_setting('lock_timeout');
  v_claims     text := coalesce(current_setting('request.jwt.claims', true), '');
  v_created    integer;
  v_updated    integer;
  v_held       integer;
  v_conflicted integer;
  v_deferred   text[];
  v_waiting    text[];
  v_deleted    jsonb := '{}';
begin
  v_raw := (select array_agg(coalesce(r -> 'fields', '{}') order by n) from unnest(recs) with ordinality as x (r, n));

  if map.direction <> 'push' and 'new' = any (verdicts) and exists (select from unnest(verdicts, keys) as v (verdict, key) where v.verdict = 'new' and v.key is null) then
    execute format($q$
      select array_agg(coalesce(x.key, r.key) order by x.n)
        from unnest($1, $2) with ordinality as x (key, verdict, n)
        left join tideway_run.%I($3, (select array_agg(n::integer) from unnest($1, $2) with ordinality as v (key, verdict, n) where v.verdict = 'new' and v.key is null), null, null) r on r.ord = x.n$q$, map.run_as)
       into keys using keys, verdicts, sql ->> 'new_keys';
  end if;

  -- Rows that stand are locked without waiting, and read again by a later statement: it sees what was committed meanwhile.
  v_sought := array(select distinct x.key from unnest(keys, verdicts) as x (key, verdict)
                     where x.key is not null and x.verdict in ('new', 'linked', 'adopt', 'relink'));
  if v_sought <> '{}' then
    execute format('select array_agg(r.key) from tideway_run.%I($1, null, $2, null) r', map.run_as) into v_locked using sql ->> 'lock_rows', v_sought;
    execute format($q$
      select array_agg(r.a order by x.n),
             array_agg(case when r.a is not null and r.key <> all (coalesce($4, '{}')) then 'locked' else x.verdict end order by x.n)
        from unnest($2, $3) with ordinality as x (key, verdict, n)
        left join tideway_run.%I($1, null, $5, null) r
          on r.key = x.key and x.verdict in ('new', 'linked', 'adopt', 'relink')$q$, map.run_as)
       into v_rows, verdicts using sql ->> 'read_rows', keys, verdicts, v_locked, v_sought;
  else
    v_rows := array_fill(null::jsonb, array[cardinality(ids)]);
  end if;

  if exists (select from tideway.mappings o where o.local_table = map.local_table and o.id <> map.id and o.state = 'active' and o.direction in ('pull', 'both')) then
    select array_agg(c.covered order by x.n) into v_covered
      from unnest(keys) with ordinality as x (key, n)
      left join tideway_private.covered_columns(map, keys) c on c.n = x.n;
  end if;

  -- New records without a row need no merge; all others are merged field by field.
  select array_agg(case when x.verdict = 'new' and x.row_image is null then x.vals else m.writes end order by x.n),
         array_agg(case when x.verdict = 'new' and x.row_image is null then x.vals else m.local_set end order by x.n),
         array_agg(m.remote_set order by x.n),
         array_agg(to_jsonb(m.sent_done) order by x.n),
         array_agg(m.conflicts order by x.n),
         array_agg(coalesce(m.push, false) order by x.n),
         array_agg(to_jsonb(m.resend) order by x.n),
         jsonb_agg(to_jsonb(m.emptied)) filter (where m.emptied is not null),
         array_agg(case when coalesce(m.held, false) then 'hold' when coalesce(m.waits, false) and m.local_set is null then 'in_flight' else x.verdict end order by x.n),
         array_agg(x.n::text) filter (where m.waits)
    into v_writes, v_local, v_remote, v_done, v_conflicts, v_push, v_resend, v_emptied, verdicts, v_deferred
    from unnest(verdicts, v_rows, vals) with ordinality as x (verdict, row_image, vals, n)
    left join (
      select m.* from (
        select array_agg(x.n::integer) as ns, array_agg(x.fields) as fields, array_agg(x.vals) as vals, array_agg(x.row_image) as rows,
               array_agg(x.link) as links, array_agg(x.settled) as settled, array_agg(coalesce(x.id = any (compare), false)) as compared,
               array_agg(x.modified) as modified, array_agg(x.covered) as covered
          from (select u.n, u.raw as fields, u.vals, u.row_image, u.link, coalesce(u.settled, true) as settled, u.id,
                       tideway_private.moment_of(u.r ->> 'modified') as modified, u.covered, u.verdict
                  from unnest(v_raw, vals, v_rows, links, settled, ids, recs, v_covered, verdicts) with ordinality
                       as u (raw, vals, row_image, link, settled, id, r, covered, verdict, n)) as x
         where x.verdict in ('linked', 'adopt', 'relink') or (x.verdict = 'new' and x.row_image is not null)) as q
      cross join lateral tideway_private.merge_records(map, q.ns, q.fields, q.vals, q.rows, q.links, q.settled, q.compared, q.modified, q.covered,
                                                       coalesce(run.force_overwrite, false), greatest(of_records, cardinality(ids))) m
      where q.ns is not null) m on m.ord = x.n;
  v_deferred := (select array_agg(i.id) from unnest(ids) with ordinality as i (id, n) where i.n::text = any (v_deferred));

  -- What was sent of a column that means something else now, or is gone, no read can show.
  if exists (select from tideway_private.used_fields f where f.mapping = map.number) then
    select array_agg(case when g.fields is null then x.done else coalesce(x.done, '[]') || g.fields end order by x.n) into v_done
      from unnest(v_done, links, settled) with ordinality as x (done, link, settled, n)
      left join lateral (
        select to_jsonb(array_agg(e.field)) as fields
          from tideway_private.links l
         cross join jsonb_object_keys(l.sent) as e (field)
         where l.id = x.link and coalesce(x.settled, true) and l.sent_op is distinct from 'delete'
           and not exists (select from tideway.mapping_columns c where c.mapping_id = map.id and c.field = e.field)) g on true;
  end if;

  -- A record that changed while its row was deleted here keeps its data: the row comes back, and the conflict is recorded.
  select array_agg(case when x.verdict in ('linked', 'relink', 'adopt') and x.row_image is null
                        then case when x.writes is not null or (map.direction = 'pull' and x.id = any (compare)) or coalesce(run.force_overwrite, false) then 'restore' else 'absent' end
                        else x.verdict end order by x.n)
    into verdicts
    from unnest(ids, verdicts, v_rows, v_writes) with ordinality as x (id, verdict, row_image, writes, n);

  -- A mapping that only goes out takes no rows in: an unknown record is tied to a row that stands, or left alone.
  if map.direction = 'push' then
    select array_agg(case when x.verdict = 'new' and x.row_image is null then 'nothing' else x.verdict end order by x.n)
      into verdicts
      from unnest(verdicts, v_rows) with ordinality as x (verdict, row_image, n);
  end if;

  if v_dry then
    return tideway_private.describe_changes(map, run, ids, keys, verdicts, v_rows, v_writes, v_conflicts, errors);
  end if;

  perform set_config('lock_timeout', '250ms', true);
  if map.claims is not null then
    perform set_config('request.jwt.claims', map.claims::text, true);
  end if;
  with inserted as (
    select w.* from (select array_agg(x.key) as keys, array_agg(x.vals) as vals
                       from unnest(keys, vals, verdicts, v_rows) as x (key, vals, verdict, row_image)
                      where (x.verdict = 'new' and x.row_image is null) or x.verdict = 'restore') as q
    cross join lateral tideway_private.write_rows(map.run_as, sql ->> 'insert_rows', q.keys, q.vals) w
    where q.keys is not null
  ), updated as (
    select w.* from (select array_agg(x.key) as keys, array_agg(x.writes) as writes
                       from unnest(keys, v_writes, verdicts, v_rows) as x (key, writes, verdict, row_image)
                      where x.verdict in ('new', 'linked', 'adopt', 'relink') and x.row_image is not null and x.writes is not null) as q
    cross join lateral tideway_private.write_rows(map.run_as, sql ->> 'update_rows', q.keys, q.writes) w
    where q.keys is not null
  ), wrote as (
    select * from inserted union all select * from updated
  )
  select coalesce(jsonb_object_agg(w.key, w.problem) filter (where w.problem is not null), '{}'),
         array_agg(coalesce(w.new_key, x.key) order by x.n)
    into v_problems, v_new_keys
    from unnest(keys) with ordinality as x (key, n)
    left join wrote w on w.key = x.key;
  perform set_config('lock_timeout', v_lock_wait, true);
  if map.claims is not null then
    perform set_config('request.jwt.claims', v_claims, true);
  end if;

  if v_problems <> '{}' then
    select array_agg(case when v_problems ? x.key then case when v_problems -> x.key ->> 'code' = 'LOCKED' then 'locked' else 'failed' end else x.verdict end order by x.n),
           errors || coalesce(jsonb_agg(jsonb_build_object('remote_id', x.id, 'local_key', x.key, 'row', x.r -> 'position') || (v_problems -> x.key) order by x.n)
                              filter (where v_problems ? x.key and v_problems -> x.key ->> 'code' <> 'LOCKED'), '[]')
      into verdicts, errors
      from unnest(ids, keys, verdicts, recs) with ordinality as x (id, key, verdict, r, n);
  end if;

  if verdicts && '{new,hold}' then
    insert into tideway_private.links (mapping, org_id, local_key, remote_id, lane, local_image, remote_diff, version, touched_at, created_run, synced_at)
    select map.number, map.org_id, x.new_key, x.id, (hashtextextended(x.new_key, 0) & 15)::smallint,
           coalesce(x.local_set, '{}'),
           case when x.row_image is null then x.diff when x.remote_set is null then '{}' else tideway_private.sparse_difference('{}', coalesce(x.remote_set, '{}'), coalesce(x.local_set, '{}')) end,
           x.rec ->> 'version', v_moment, run.id, clock_timestamp()
      from unnest(ids, v_new_keys, verdicts, v_rows, v_local, v_remote, diffs, recs) as x (id, new_key, verdict, row_image, local_set, remote_set, diff, rec)
     where x.verdict in ('new', 'hold') and x.new_key is not null
       and not exists (select from tideway_private.links l where l.mapping = map.number and l.remote_id = x.id);
  end if;

  update tideway_private.links l
     set remote_id = x.id,
         local_key = x.new_key,
         local_image = l.local_image || coalesce(x.local_set, '{}'),
         -- As sparse_difference(), written out: a call for each row costs more than the row itself.
         remote_diff = case
           when x.remote_set is null then l.remote_diff
           when l.remote_diff = '{}' and x.remote_set = x.local_set then '{}'
           else (l.remote_diff - array(select jsonb_object_keys(x.remote_set)))
                || coalesce((select jsonb_object_agg(e.key, e.value) from jsonb_each(x.remote_set) e
                              where e.value is distinct from coalesce(x.local_set -> e.key, l.local_image -> e.key)), '{}')
         end,
         -- A deletion of ours that can no longer take effect is over where the record stands.
         sent = case when l.sent_op = 'delete' and x.settled then null when x.done is null then l.sent else nullif(l.sent - x.done, '{}') end,
         sent_local = case when l.sent_op = 'delete' and x.settled then null when x.done is null then l.sent_local else nullif(l.sent_local - x.done, '{}') end,
         sent_before = case when l.sent_op = 'delete' and x.settled then null when x.done is null then l.sent_before else nullif(l.sent_before - x.done, '{}') end,
         sent_op = case when l.sent_op = 'delete' and x.settled or x.done is not null and l.sent - x.done = '{}' then null else l.sent_op end,
         resent = case when x.done is not null then 0 else l.resent end,
         decisions = null,
         -- A write may overwrite what it was made from, not what has still to be taken in.
         version = case when x.id = any (v_deferred) then l.version else x.version end,
         remote_gone_at = null,
         pulled_at = case when x.writes is not null then clock_timestamp() else l.pulled_at end,
         local_gone_at = case when x.verdict = 'restore' then null else l.local_gone_at end,
         touched_at = v_moment,
         synced_at = clock_timestamp()
    from (select u.id, u.new_key, u.link, u.verdict, u.local_set, u.remote_set, u.writes, u.rec ->> 'version' as version, coalesce(u.settled, true) as settled, case when u.done is null then null else array(select jsonb_array_elements_text(u.done)) end as done
            from unnest(ids, v_new_keys, links, verdicts, v_local, v_remote, v_done, v_writes, recs, settled)
                 as u (id, new_key, link, verdict, local_set, remote_set, done, writes, rec, settled)) as x
   where l.id = x.link
     and x.verdict in ('linked', 'adopt', 'relink', 'restore');

  if map.lineage then
    if verdicts && '{new,restore}' then
      insert into tideway_private.field_lineage (org_id, mapping, entity_type, entity_id, field_name, source_type, source_id, source_ref, new_value, sync_run_id)
      select map.org_id, map.number, v_entity, x.new_key, '*', s.system, map.connection_id, (select tideway_private.place_name(map)), x.vals, run.id
        from unnest(v_new_keys, verdicts, v_rows, vals) as x (new_key, verdict, row_image, vals)
       cross join (select c.system from tideway.connections c where c.id = map.connection_id) as s
       where (x.verdict = 'new' and x.row_image is null) or x.verdict = 'restore';
    end if;
    with place as materialized (
      select c.field, c.local, tideway_private.place_name(map, c.remote) as ref
        from tideway.mapping_columns c
       where c.mapping_id = map.id
    )
    insert into tideway_private.field_lineage (org_id, mapping, entity_type, entity_id, field_name, source_type, source_id, source_ref, previous_value, new_value, sync_run_id)
    select map.org_id, map.number, v_entity, x.new_key, p.local, s.system, map.connection_id, p.ref,
           x.row_image -> e.key, e.value, run.id
      from unnest(v_new_keys, verdicts, v_rows, v_writes) as x (new_key, verdict, row_image, writes)
     cross join lateral jsonb_each(x.writes) e
      join place p on p.field = e.key
     cross join (select c.system from tideway.connections c where c.id = map.connection_id) as s
     where x.verdict in ('new', 'linked', 'adopt', 'relink') and x.row_image is not null;
  end if;

  if v_emptied is not null then
    errors := errors || (select jsonb_agg(jsonb_build_object('column', e.local, 'class', 'VALIDATION_ERROR', 'code', 'MASS_EMPTY_HELD', 'message',
        format('%s records of one page lost their value for "%s"; none was emptied here', e.records, e.local)))
      from (select c.local, count(*) as records from jsonb_array_elements(v_emptied) x cross join lateral jsonb_array_elements_text(x) as c (local) group by c.local) e);
  end if;
  -- A write that the app did not keep is sent once more; the second time a person must look.
  if exists (select from unnest(v_resend) r where r is not null) then
    errors := errors || tideway_private.note_lost_writes(map, links, v_resend);
  end if;
  if 'restore' = any (verdicts) or exists (select from unnest(v_conflicts) c where c is not null) then
    v_conflicted := tideway_private.record_conflicts(map, run.id, ids, v_new_keys, verdicts, v_conflicts);
  end if;
  v_deleted := tideway_private.take_deletions(map, run, sql,
    (select array_agg(x.link) from unnest(links, verdicts) as x (link, verdict) where x.verdict = 'gone'));

  -- Outward work that this page made goes through the requests: only short transactions write the outbox.
  perform tideway_private.ask('mark', map.number, null, jsonb_build_object('keys', jsonb_agg(x.new_key)), null)
     from unnest(v_new_keys, v_push, verdicts) as x (new_key, push, verdict)
    where x.push and x.verdict in ('new', 'linked', 'adopt', 'relink') and map.direction <> 'pull'
   having count(*) > 0;

  v_waiting := v_deferred;
  -- For a duplicate the record that holds the row is asked for too: if it is gone, this one takes its place.
  select array_agg(distinct d.id) into v_deferred
    from (select w.id from unnest(v_waiting) as w (id)
          union all
          select x.id from unnest(ids, verdicts) as x (id, verdict)
           where x.verdict in ('locked', 'stale', 'dependency', 'open_create', 'in_flight', 'failed', 'duplicate')
          union all
          select l.remote_id from unnest(links, verdicts) as x (link, verdict)
            join tideway_private.links l on l.id = x.link
           where x.verdict = 'duplicate') as d (id);
  select count(*) filter (where (x.verdict = 'new' and x.row_image is null) or x.verdict = 'restore'),
         count(*) filter (where x.verdict in ('new', 'linked', 'adopt', 'relink') and x.row_image is not null and x.writes is not null),
         count(*) filter (where x.verdict in ('hold', 'ambiguous'))
    into v_created, v_updated, v_held
    from unnest(ids, verdicts, v_rows, v_writes) as x (id, verdict, row_image, writes);
  if v_deferred is not null then
    perform tideway_private.defer_records(map.number, map.org_id, array_agg(x.id),
              array_agg(case when x.id = any (v_waiting) then 'in_flight' else coalesce(v.verdict, 'duplicate') end))
       from unnest(v_deferred) as x (id)
       left join unnest(ids, verdicts) as v (id, verdict) on v.id = x.id;
  end if;
  -- A row that is gone here is the outbox's business; the claim looks at it.
  perform tideway_private.ask('mark', map.number, null, jsonb_build_object('keys', jsonb_agg(x.key)), null)
     from unnest(keys, verdicts) as x (key, verdict)
    where x.verdict = 'absent' and map.direction <> 'pull'
   having count(*) > 0;

  if verdicts && '{duplicate,ambiguous}' then
    errors := errors || (
      select jsonb_agg(jsonb_build_object('remote_id', x.id, 'local_key', x.key, 'row', x.r -> 'position', 'class', 'CONFLICT',
               'code', case x.verdict when 'duplicate' then 'DUPLICATE_REMOTE' else 'AMBIGUOUS_MATCH' end,
               'message', case x.verdict when 'duplicate' then format('Another record is already tied to the row with key %s', x.key)
                                         else format('Several rows of %s match this record on %s', map.local_name, array_to_string(map.match_on, ', ')) end))
        from unnest(ids, keys, verdicts, recs) as x (id, key, verdict, r) where x.verdict in ('duplicate', 'ambiguous'));
  end if;
  if errors <> '[]' then
    perform tideway_private.record_errors(map.number, run.id, 'pull', errors);
  end if;
  perform tideway_private.close_errors(map.number, 'pull',
            array_agg(x.key), array_agg(x.id))
     from unnest(ids, v_new_keys, verdicts) as x (id, key, verdict)
    where x.verdict in ('new', 'linked', 'adopt', 'relink', 'restore')
      and exists (select from tideway.sync_errors e where e.mapping_id = map.id and e.direction = 'pull' and e.resolved_at is null)
      and not errors @> jsonb_build_array(jsonb_build_object('remote_id', x.id))
   having count(*) > 0;

  return jsonb_build_object(
    'candidates', cardinality(ids), 'created', v_created, 'updated', v_updated,
    'deleted', coalesce((v_deleted ->> 'done')::integer, 0),
    'held', v_held + coalesce((v_deleted ->> 'held')::integer, 0),
    'failed', (select count(distinct coalesce(e ->> 'remote_id', e ->> 'row')) from jsonb_array_elements(errors) e where coalesce(e ->> 'severity', 'error') = 'error'),
    'classes', (select coalesce(jsonb_object_agg(c.class, c.n), '{}')
                  from (select e ->> 'class' as class, count(*) as n from jsonb_array_elements(errors) e
                         where coalesce(e ->> 'severity', 'error') = 'error' group by 1) c where c.class is not null),
    'conflicts', coalesce(v_conflicted, 0),
    'busy', 'locked' = any (verdicts),
    'locked_ms', round(extract(epoch from clock_timestamp() - started) * 1000),
    'deferred', to_jsonb(coalesce(v_deferred, '{}')));
end;
$$;

comment on function tideway_private.write_records(tideway.mappings, tideway.sync_runs, jsonb, timestamptz, jsonb[], text[], text[], bigint[], text[], boolean[], jsonb[], jsonb[], text[], jsonb, bigint) is
  'Locks and reads the rows of a page, merges, writes rows in a savepoint, then links, lineage, conflicts, errors and the re-read list.';
