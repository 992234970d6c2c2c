create or replace view tideway.failed_syncs with (security_invoker = true) as
-- The newest row of each group stands for it, so that the first page of a long list needs no count of the rest.
select l.org_id, l.sync_id, l.entity_type, l.status, g.error_count, l.error_message, coalesce(g.first_at, l.created_at) as first_at, l.created_at as last_at
  from tideway.sync_activity_log l
 cross join lateral (
   select greatest(count(*), 1) as error_count, min(o.created_at) as first_at
     from tideway.sync_activity_log o
    where o.sync_id = l.sync_id
      and o.org_id = l.org_id
      and o.created_at > now() - interval '30 days'
      and (o.entity_type, o.status, o.error_message) is not distinct from (l.entity_type, l.status, l.error_message)) g
 where case l.status when 'started' then 'started' when 'completed' then 'success' else 'error' end = 'error'
   and l.created_at > now() - interval '30 days'
   and not exists (
     select from tideway.sync_activity_log n
      where n.sync_id = l.sync_id
        and n.org_id = l.org_id
        and (n.entity_type, n.status, n.error_message) is not distinct from (l.entity_type, l.status, l.error_message)
        and (n.created_at, n.id) > (l.created_at, l.id))
 order by l.created_at desc;

comment on view tideway.failed_syncs is
'Which syncs failed in the last thirty days, and with what? One row per sync, entity, status and error, the latest first;
what belongs to no sync stands alone.

  select * from tideway.failed_syncs limit 20;';
comment on column tideway.failed_syncs.org_id is 'The organisation.';
comment on column tideway.failed_syncs.sync_id is 'The sync; of a run its id.';
comment on column tideway.failed_syncs.entity_type is 'What was synced.';
comment on column tideway.failed_syncs.status is 'failed, timeout or completed_with_errors.';
comment on column tideway.failed_syncs.error_count is 'How many log rows say so.';
comment on column tideway.failed_syncs.error_message is 'What went wrong.';
comment on column tideway.failed_syncs.first_at is 'When it happened first.';
comment on column tideway.failed_syncs.last_at is 'When it happened last.';
