comment on table tideway.sync_progress is
'How far each sync is. A client inserts org_id, sync_id, entity_type, total_items, initiated_by and source_system and updates the counts; the rest computes itself, and the end is logged in sync_activity_log.

Runs of Tideway keep a row here too: its sync_id is the run''s id.';
comment on column tideway.sync_progress.id is 'The row.';
comment on column tideway.sync_progress.org_id is 'The organisation.';
comment on column tideway.sync_progress.sync_id is 'The name of the sync, once per organisation.';
comment on column tideway.sync_progress.run_id is 'The run, null for a sync that a client reports.';
comment on column tideway.sync_progress.entity_type is 'What is synced.';
comment on column tideway.sync_progress.source_system is 'The app.';
comment on column tideway.sync_progress.status is 'running, completed, completed_with_errors, failed, timeout (no report for an hour) or interrupted.';
comment on column tideway.sync_progress.total_items is 'How many items there are, null while unknown; done and failed never exceed it.';
comment on column tideway.sync_progress.processed_count is 'Items done.';
comment on column tideway.sync_progress.failed_count is 'Items that failed.';
comment on column tideway.sync_progress.current_item is 'The item at work.';
comment on column tideway.sync_progress.initiated_by is 'Who started it.';
comment on column tideway.sync_progress.elapsed_seconds is 'Seconds since the start; computed.';
comment on column tideway.sync_progress.speed_items_per_min is 'Items done and failed per minute; computed.';
comment on column tideway.sync_progress.eta_seconds is 'Seconds left at that speed, null while unknown; computed.';
comment on column tideway.sync_progress.started_at is 'When it started.';
comment on column tideway.sync_progress.updated_at is 'When it last reported; computed.';
comment on column tideway.sync_progress.completed_at is 'When it ended: when all items are done, or the status says so; computed.';
comment on column tideway.sync_progress.metadata is 'What else was noted.';
