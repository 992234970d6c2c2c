create or replace view tideway.sync_history with (security_invoker = true) as
select r.id, r.org_id, r.triggered_by as user_id,
       case
         when r.trigger = 'scheduled' then 'scheduled'
         when r.kind = 'delta' or r.trigger = 'webhook' then 'delta'
         when r.kind in ('full', 'sweep', 'backfill') then 'full'
         else 'manual'
       end as sync_type,
       case r.status when 'completed' then 'completed' when 'completed_with_errors' then 'partial_success' else 'failed' end as status,
       r.rows_processed as items_processed, r.rows_created as items_created, r.rows_updated as items_updated, r.rows_failed as items_failed,
       (extract(epoch from r.completed_at - r.started_at) * 1000)::bigint as duration_ms,
       r.metadata || jsonb_strip_nulls(jsonb_build_object(
         'mapping', m.name, 'kind', r.kind, 'trigger', r.trigger, 'run_status', r.status, 'errors', r.errors, 'report', r.report,
         'items_deleted', r.rows_deleted, 'items_skipped', r.rows_skipped, 'dry_run', nullif(r.dry_run, false))) as metadata,
       r.started_at as created_at
  from tideway.sync_runs r
  left join tideway.mappings m on m.id = r.mapping_id
 where r.completed_at is not null
   and r.kind <> 'preview';

comment on view tideway.sync_history is
'Which syncs ran, and with what result? One row per run that has ended.

  select created_at, sync_type, status, items_processed, items_failed, duration_ms
    from tideway.sync_history order by created_at desc limit 20;';
comment on column tideway.sync_history.id is 'The run.';
comment on column tideway.sync_history.org_id is 'The organisation.';
comment on column tideway.sync_history.user_id is 'Who asked for it, null for the system.';
comment on column tideway.sync_history.sync_type is 'manual, delta, full or scheduled.';
comment on column tideway.sync_history.status is 'completed, partial_success or failed (also interrupted and cancelled; metadata -> run_status tells them apart).';
comment on column tideway.sync_history.items_processed is 'Items seen, failed ones among them.';
comment on column tideway.sync_history.items_created is 'Items created.';
comment on column tideway.sync_history.items_updated is 'Items updated.';
comment on column tideway.sync_history.items_failed is 'Items that failed.';
comment on column tideway.sync_history.duration_ms is 'How long it took in milliseconds.';
comment on column tideway.sync_history.metadata is 'Mapping, kind, trigger, errors and report of the run.';
comment on column tideway.sync_history.created_at is 'When it started.';
