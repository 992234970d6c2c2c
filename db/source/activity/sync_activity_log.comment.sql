comment on table tideway.sync_activity_log is
'What happened: one row per sync that ended, request batch, webhook delivery and failed record. Partitioned by month (UTC); maintain() makes and drops the partitions.

Ask with org_id and created_at; sync_logs, recent_logs and failed_syncs are views over it.';
comment on column tideway.sync_activity_log.id is 'The row.';
comment on column tideway.sync_activity_log.org_id is 'The organisation.';
comment on column tideway.sync_activity_log.sync_id is 'The sync; of a run its id.';
comment on column tideway.sync_activity_log.run_id is 'The run.';
comment on column tideway.sync_activity_log.mapping_id is 'The mapping.';
comment on column tideway.sync_activity_log.connection_id is 'The connection.';
comment on column tideway.sync_activity_log.entity_type is 'What was synced.';
comment on column tideway.sync_activity_log.source_system is 'The app.';
comment on column tideway.sync_activity_log.action is 'What was done: the kind of run, or what a client says.';
comment on column tideway.sync_activity_log.status is 'started, completed, completed_with_errors, failed or timeout.';
comment on column tideway.sync_activity_log.record_id is 'The record, when the row is about one.';
comment on column tideway.sync_activity_log.attempt_number is 'Which attempt it was.';
comment on column tideway.sync_activity_log.record_count is 'How many records it covers.';
comment on column tideway.sync_activity_log.message is 'What happened.';
comment on column tideway.sync_activity_log.error_message is 'What went wrong.';
comment on column tideway.sync_activity_log.error_details is 'The facts of the error.';
comment on column tideway.sync_activity_log.duration_ms is 'How long it took in milliseconds; filled from duration_seconds.';
comment on column tideway.sync_activity_log.duration_seconds is 'How long it took in seconds; filled from duration_ms.';
comment on column tideway.sync_activity_log.user_id is 'Who asked for it.';
comment on column tideway.sync_activity_log.metadata is 'What else was noted.';
comment on column tideway.sync_activity_log.created_at is 'When.';
comment on column tideway.sync_activity_log.about_record is 'Whether the row is about one record; computed.';
