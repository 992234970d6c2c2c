create or replace view tideway.recent_logs with (security_invoker = true) as
select l.created_at, m.name as mapping, c.name as connection, l.entity_type, l.source_system, l.action, l.status, l.record_id, l.record_count,
       l.message, l.error_message, l.duration_ms, l.sync_id, l.run_id, l.user_id, l.org_id
  from tideway.sync_activity_log l
  left join tideway.mappings m on m.id = l.mapping_id
  left join tideway.connections c on c.id = l.connection_id
 where l.created_at > now() - interval '7 days';

comment on view tideway.recent_logs is
'What happened in the last seven days? The log with the names of mapping and connection. What is under way is in active_syncs.

  select * from tideway.recent_logs order by created_at desc limit 20;';
comment on column tideway.recent_logs.created_at is 'When.';
comment on column tideway.recent_logs.mapping is 'The mapping.';
comment on column tideway.recent_logs.connection is 'The connection.';
comment on column tideway.recent_logs.entity_type is 'What was synced.';
comment on column tideway.recent_logs.source_system is 'The app.';
comment on column tideway.recent_logs.action is 'What was done.';
comment on column tideway.recent_logs.status is 'started, completed, completed_with_errors, failed or timeout.';
comment on column tideway.recent_logs.record_id is 'The record, when the row is about one.';
comment on column tideway.recent_logs.record_count is 'How many records it covers.';
comment on column tideway.recent_logs.message is 'What happened.';
comment on column tideway.recent_logs.error_message is 'What went wrong.';
comment on column tideway.recent_logs.duration_ms is 'How long it took in milliseconds.';
comment on column tideway.recent_logs.sync_id is 'The sync.';
comment on column tideway.recent_logs.run_id is 'The run.';
comment on column tideway.recent_logs.user_id is 'Who asked for it.';
comment on column tideway.recent_logs.org_id is 'The organisation.';
