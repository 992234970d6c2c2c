create or replace function tideway.trace_row(local_table regclass, key jsonb)
returns table (at timestamptz, kind text, mapping text, what text, details jsonb)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_entity  text := (select c.relname from pg_catalog.pg_class c where c.oid = trace_row.local_table);
  v_key     text := tideway_private.entity_key(trace_row.local_table, trace_row.key);
begin
  return query
  with maps as (
    select m.id, m.number, m.name, m.direction, m.state from tideway.mappings m
     where m.local_table = trace_row.local_table and m.org_id = tideway.current_org_id()
  ), linked as (
    select m.id as mapping_id, m.name, m.number, m.direction, l.*
      from maps m
      join tideway_private.row_links l on l.mapping = m.number and l.local_key = v_key
  )
  select l.synced_at, 'link', l.name,
         case when l.remote_id is null then 'not there yet' else 'linked to ' || l.remote_id end
           || case when l.local_gone_at is not null then ', gone here' when l.remote_gone_at is not null then ', gone there' when l.dormant then ', outside the filter' else '' end,
         jsonb_strip_nulls(jsonb_build_object('remote_id', l.remote_id, 'local_gone_at', l.local_gone_at, 'remote_gone_at', l.remote_gone_at,
                           'created_run', l.created_run, 'unconfirmed', l.sent, 'image', l.local_image, 'differs_there', nullif(l.remote_diff, '{}')))
    from linked l
  union all
  select o.marked_at, 'waiting', m.name, 'marked to be pushed', jsonb_build_object('op', o.op)
    from maps m join tideway_private.outbox o on o.mapping = m.number and o.local_key = v_key
  union all
  select w.since, 'waiting', m.name, w.reason, jsonb_strip_nulls(jsonb_build_object('due_at', w.due_at, 'attempts', w.attempts_finished))
    from maps m join tideway_private.waiting w on w.mapping = m.number and w.local_key = v_key
  union all
  select f.claimed_at, 'push', m.name, 'in flight', jsonb_build_object('batch', f.id)
    from maps m join tideway_private.in_flight f on f.mapping = m.number and v_key = any (f.keys)
  union all
  select x.started_at, x.kind, m.name, format('the mapping''s last %s %s', x.kind, x.status),
         jsonb_build_object('run_id', x.id, 'processed', x.rows_processed, 'failed', x.rows_failed)
    from maps m
    cross join lateral unnest(array['pull', 'push']) as k (kind)
    cross join lateral (select r.* from tideway.sync_runs r where r.mapping_id = m.id and r.kind = k.kind and r.status <> 'pending' order by r.started_at desc limit 1) x
  union all
  select e.last_seen_at, 'error', m.name, e.message,
         jsonb_strip_nulls(jsonb_build_object('id', e.id, 'direction', e.direction, 'code', e.code, 'column', e."column", 'attempts', e.attempts,
                           'resolved_at', e.resolved_at, 'suggestion', e.suggestion))
    from maps m join tideway.sync_errors e on e.mapping_id = m.id
   where e.local_key = v_key
      or e.local_key is null and e.remote_id = any (select l.remote_id from linked l where l.mapping_id = m.id)
  union all
  select x.detected_at, 'conflict', m.name, format('%s on %s%s', x.kind, x."column", coalesce(', settled as ' || x.resolution, ', open')),
         jsonb_build_object('id', x.id, 'local', x.local_value, 'remote', x.remote_value, 'was', x.old_value, 'resolved_by', x.resolved_by)
    from maps m join tideway.conflicts x on x.mapping_id = m.id and x.local_key = v_key
  union all
  select f.changed_at, 'lineage', (select m.name from maps m join tideway_private.field_lineage s on s.mapping = m.number where s.id = f.id and s.changed_at = f.changed_at),
         format('%s came from %s', f.field_name, coalesce(f.source_ref, f.source_type)),
         jsonb_strip_nulls(jsonb_build_object('from', f.previous_value, 'to', f.new_value, 'run_id', f.sync_run_id, 'by', f.changed_by))
    from tideway.field_lineage f
   where f.entity_type = v_entity and f.entity_id = v_key and f.org_id = tideway.current_org_id()
  union all
  select g.created_at, 'log', m.name, concat_ws(': ', g.action || ' ' || g.status, coalesce(g.message, g.error_message)),
         jsonb_strip_nulls(jsonb_build_object('run_id', g.run_id, 'attempt', g.attempt_number, 'duration_ms', g.duration_ms))
    from maps m
    join tideway.sync_activity_log g on g.mapping_id = m.id
   where g.record_id = v_key
      or g.record_id = any (select l.remote_id from linked l where l.mapping_id = m.id and l.remote_id is not null)
   order by 1 desc nulls last, 2;
end;
$$;

comment on function tideway.trace_row(regclass, jsonb) is
'What happened to one row? Every link, wait, error, conflict, change of a field and log entry, with the last pull and push of its mappings; newest first.

Single pushes are logged where the mapping sets log_rows.

  select * from tideway.trace_row(''app.products'', ''42'');';
