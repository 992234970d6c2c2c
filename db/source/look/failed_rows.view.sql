create or replace view tideway.failed_rows with (security_invoker = true) as
select e.id as error_id, m.name as mapping, e.direction, e.local_key, e.remote_id, e."row", e."column", e.error_class, e.code, e.severity, e.message, e.suggestion,
       e.attempts, e.retryable, coalesce(w.reason, case when e.retryable then 'retry' else 'failed' end) as state, w.due_at as next_retry_at,
       e.first_seen_at, e.last_seen_at, e.run_id, e.org_id
  from tideway.sync_errors e
  left join tideway.mappings m on m.id = e.mapping_id
  left join tideway_private.waiting w on e.direction = 'push' and w.mapping = m.number and w.local_key = e.local_key
 where e.resolved_at is null
 order by e.last_seen_at desc;

comment on view tideway.failed_rows is
'Which rows are not in step because of an error, and what can be done? One row per open error, the latest first.

  select mapping, local_key, remote_id, "column", code, message, suggestion from tideway.failed_rows limit 20;';
comment on column tideway.failed_rows.error_id is 'The error; resolve_sync_error takes it.';
comment on column tideway.failed_rows.mapping is 'The mapping.';
comment on column tideway.failed_rows.direction is 'pull or push.';
comment on column tideway.failed_rows.local_key is 'The row here.';
comment on column tideway.failed_rows.remote_id is 'The record there.';
comment on column tideway.failed_rows."row" is 'Its position in the app, such as a sheet''s row.';
comment on column tideway.failed_rows."column" is 'The column at fault.';
comment on column tideway.failed_rows.error_class is 'Decides how Tideway reacts.';
comment on column tideway.failed_rows.code is 'The fact, stable.';
comment on column tideway.failed_rows.severity is 'warning or error.';
comment on column tideway.failed_rows.message is 'What happened.';
comment on column tideway.failed_rows.suggestion is 'What to do.';
comment on column tideway.failed_rows.attempts is 'How often it was tried.';
comment on column tideway.failed_rows.retryable is 'Whether Tideway tries again by itself.';
comment on column tideway.failed_rows.state is 'retry, failed, paused, conflict, dependency or flapping.';
comment on column tideway.failed_rows.next_retry_at is 'When it is tried again.';
comment on column tideway.failed_rows.first_seen_at is 'When it happened first.';
comment on column tideway.failed_rows.last_seen_at is 'When it happened last.';
comment on column tideway.failed_rows.run_id is 'The run that met it.';
comment on column tideway.failed_rows.org_id is 'The organisation.';
