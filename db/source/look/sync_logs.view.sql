create or replace view tideway.sync_logs with (security_invoker = true) as
select l.id, l.org_id, l.sync_id, l.run_id, l.mapping_id, l.connection_id, l.entity_type, l.source_system as source, l.action,
       case l.status when 'started' then 'started' when 'completed' then 'success' else 'error' end as status,
       l.record_id, l.attempt_number, l.record_count, coalesce(l.message, l.error_message) as message,
       coalesce(l.error_details, case when l.error_message is not null then jsonb_build_object('error', l.error_message) end) as error_details,
       l.duration_ms, l.user_id, l.metadata, l.created_at
  from tideway.sync_activity_log l;

comment on view tideway.sync_logs is
'What did each sync do? The activity log with the outcomes started, success and error.

  select created_at, record_id, message, error_details, attempt_number
    from tideway.sync_logs where status = ''error'' order by created_at desc limit 10;';
comment on column tideway.sync_logs.id is 'The log row.';
comment on column tideway.sync_logs.org_id is 'The organisation.';
comment on column tideway.sync_logs.sync_id is 'The sync that it belongs to; of a run its id.';
comment on column tideway.sync_logs.run_id is 'The run.';
comment on column tideway.sync_logs.mapping_id is 'The mapping.';
comment on column tideway.sync_logs.connection_id is 'The connection.';
comment on column tideway.sync_logs.entity_type is 'What was synced.';
comment on column tideway.sync_logs.source is 'The app.';
comment on column tideway.sync_logs.action is 'What was done.';
comment on column tideway.sync_logs.status is 'started, success, or error (failed, timed out, or completed with errors).';
comment on column tideway.sync_logs.record_id is 'The record, when the row is about one.';
comment on column tideway.sync_logs.attempt_number is 'Which attempt it was.';
comment on column tideway.sync_logs.record_count is 'How many records it covers.';
comment on column tideway.sync_logs.message is 'What happened, in a sentence.';
comment on column tideway.sync_logs.error_details is 'The facts of the error.';
comment on column tideway.sync_logs.duration_ms is 'How long it took in milliseconds.';
comment on column tideway.sync_logs.user_id is 'Who asked for it.';
comment on column tideway.sync_logs.metadata is 'What else was noted.';
comment on column tideway.sync_logs.created_at is 'When.';
