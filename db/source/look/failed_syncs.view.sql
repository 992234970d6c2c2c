create or replace view tideway.failed_syncs with (security_invoker = true) as
select l.org_id, l.sync_id, l.entity_type, l.status, count(*) as error_count, l.error_message, min(l.created_at) as first_at, max(l.created_at) as last_at
  from tideway.sync_activity_log l
 where case l.status when 'started' then 'started' when 'completed' then 'success' else 'error' end = 'error'
   and l.created_at > now() - interval '30 days'
 group by l.org_id, l.sync_id, l.entity_type, l.status, l.error_message
 order by max(l.created_at) desc;

comment on view tideway.failed_syncs is
'Which syncs failed in the last thirty days, and with what? One row per sync, entity, status and error, the latest first.

  select * from tideway.failed_syncs limit 20;';
comment on column tideway.failed_syncs.org_id is 'The organisation.';
comment on column tideway.failed_syncs.sync_id is 'The sync; of a run its id.';
comment on column tideway.failed_syncs.entity_type is 'What was synced.';
comment on column tideway.failed_syncs.status is 'failed, timeout or completed_with_errors.';
comment on column tideway.failed_syncs.error_count is 'How many log rows say so.';
comment on column tideway.failed_syncs.error_message is 'What went wrong.';
comment on column tideway.failed_syncs.first_at is 'When it happened first.';
comment on column tideway.failed_syncs.last_at is 'When it happened last.';
