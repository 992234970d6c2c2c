create or replace view tideway.failed_syncs with (security_invoker = true) as
select l.org_id, l.sync_id, l.entity_type, l.status, count(*) as error_count, l.error_message, min(l.created_at) as first_at, max(l.created_at) as last_at
  from (
    -- A glance must not read a month of a bad day: the newest twenty thousand failures are what anybody looks at.
    select a.org_id, a.sync_id, a.entity_type, a.status, a.error_message, a.created_at
      from tideway.sync_activity_log a
     where case a.status when 'started' then 'started' when 'completed' then 'success' else 'error' end = 'error'
       and a.created_at > now() - interval '30 days'
     order by a.created_at desc
     limit 20000) l
 group by l.org_id, l.sync_id, l.entity_type, l.status, l.error_message
 order by max(l.created_at) desc;

comment on view tideway.failed_syncs is
'Which syncs failed in the last thirty days, and with what? One row per sync, entity, status and error, the latest first; the newest 20,000 failures count.

  select * from tideway.failed_syncs limit 20;';
comment on column tideway.failed_syncs.org_id is 'The organisation.';
comment on column tideway.failed_syncs.sync_id is 'The sync; of a run its id.';
comment on column tideway.failed_syncs.entity_type is 'What was synced.';
comment on column tideway.failed_syncs.status is 'failed, timeout or completed_with_errors.';
comment on column tideway.failed_syncs.error_count is 'How many log rows say so.';
comment on column tideway.failed_syncs.error_message is 'What went wrong.';
comment on column tideway.failed_syncs.first_at is 'When it happened first.';
comment on column tideway.failed_syncs.last_at is 'When it happened last.';
