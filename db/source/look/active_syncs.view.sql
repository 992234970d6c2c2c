create or replace view tideway.active_syncs with (security_invoker = true) as
select p.org_id, p.sync_id, p.run_id, m.name as mapping, p.entity_type, p.source_system, r.kind, r.trigger, p.status,
       p.total_items, p.processed_count, p.failed_count, p.current_item,
       round(100.0 * (p.processed_count + p.failed_count) / nullif(p.total_items, 0), 1) as percent,
       p.speed_items_per_min, p.eta_seconds,
       greatest(extract(epoch from clock_timestamp() - p.started_at), 0)::bigint as elapsed_seconds,
       greatest(extract(epoch from clock_timestamp() - greatest(p.updated_at, r.heartbeat_at)), 0)::bigint as silent_seconds,
       p.started_at, p.updated_at
  from tideway.sync_progress p
  left join tideway.sync_runs r on r.id = p.run_id
  left join tideway.mappings m on m.id = r.mapping_id
 where p.completed_at is null
 order by p.updated_at desc;

comment on view tideway.active_syncs is
'What is running now? One row per sync that has not ended, the most recently moved first.

  select sync_id, entity_type, percent, eta_seconds from tideway.active_syncs;';
comment on column tideway.active_syncs.org_id is 'The organisation.';
comment on column tideway.active_syncs.sync_id is 'The name of the sync; of a run its id.';
comment on column tideway.active_syncs.run_id is 'The run, null for a sync that a client reports itself.';
comment on column tideway.active_syncs.mapping is 'The mapping that runs.';
comment on column tideway.active_syncs.entity_type is 'What is synced: the item type, or the mapping.';
comment on column tideway.active_syncs.source_system is 'The app that the rows come from.';
comment on column tideway.active_syncs.kind is 'The run''s kind: pull, push, sweep, backfill, delta, full or preview.';
comment on column tideway.active_syncs.trigger is 'What started the run.';
comment on column tideway.active_syncs.status is 'Always running.';
comment on column tideway.active_syncs.total_items is 'How many items there are, null while unknown.';
comment on column tideway.active_syncs.processed_count is 'Items done.';
comment on column tideway.active_syncs.failed_count is 'Items that failed.';
comment on column tideway.active_syncs.current_item is 'The item at work.';
comment on column tideway.active_syncs.percent is 'Items done and failed in percent of the total.';
comment on column tideway.active_syncs.speed_items_per_min is 'Items per minute since the start.';
comment on column tideway.active_syncs.eta_seconds is 'Seconds left at that speed.';
comment on column tideway.active_syncs.elapsed_seconds is 'Seconds since the start, until now.';
comment on column tideway.active_syncs.silent_seconds is 'Seconds since the sync last reported.';
comment on column tideway.active_syncs.started_at is 'When it started.';
comment on column tideway.active_syncs.updated_at is 'When it last reported progress.';
