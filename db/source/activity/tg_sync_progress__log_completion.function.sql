create or replace function tideway_private.tg_sync_progress__log_completion()
returns trigger
language plpgsql
volatile
set search_path = ''
as $$
begin
  insert into tideway.sync_activity_log
    (org_id, sync_id, run_id, mapping_id, connection_id, entity_type, source_system, action, status,
     record_count, message, error_message, error_details, duration_ms, user_id, metadata, created_at)
  select new.org_id, new.sync_id, new.run_id, r.mapping_id, r.connection_id, new.entity_type, new.source_system,
         coalesce(r.kind, 'sync'),
         case new.status when 'interrupted' then 'failed' else new.status end,
         least(new.processed_count, 2147483647),
         case new.status
           when 'interrupted' then 'The run was interrupted; the next one goes on from what was committed.'
           when 'timeout' then 'No progress was reported in time.'
           else format('%s processed, %s failed.', new.processed_count, new.failed_count)
         end,
         case
           when new.status = 'interrupted' then coalesce(r.report ->> 'error', 'interrupted')
           when new.status = 'timeout' then 'timeout'
           when new.status in ('failed', 'completed_with_errors')
             then coalesce(r.report ->> 'error', new.metadata ->> 'error', format('%s items failed', new.failed_count))
         end,
         r.errors,
         round(extract(epoch from new.completed_at - new.started_at) * 1000),
         new.initiated_by,
         new.metadata,
         new.completed_at
    from (select) as one
    left join tideway.sync_runs r on r.id = new.run_id;
  return null;
end;
$$;

comment on function tideway_private.tg_sync_progress__log_completion() is
  'Writes one row into sync_activity_log when a sync ends, so that nobody has to log it by hand.';
