comment on table tideway.sync_errors is
  'What is wrong with which row: one open entry per mapping, direction, row, column and code. A later success closes it.';

comment on column tideway.sync_errors.id is 'Names the error for resolve_sync_error.';
comment on column tideway.sync_errors.org_id is 'The organisation that the row belongs to.';
comment on column tideway.sync_errors.mapping_id is 'The mapping in which it happened.';
comment on column tideway.sync_errors.connection_id is 'The account of the app.';
comment on column tideway.sync_errors.run_id is 'The run that saw it last; null for a push.';
comment on column tideway.sync_errors.direction is 'pull: a record could not become a row; push: a row could not become a record.';
comment on column tideway.sync_errors.local_key is 'The row''s key: the text of its one column, or a JSON list.';
comment on column tideway.sync_errors.remote_id is 'The record''s id in the app.';
comment on column tideway.sync_errors."row" is 'Where the app shows the record, when it has a place: a sheet''s row, an index in a list.';
comment on column tideway.sync_errors.row_identity is 'What tells one row''s error from another''s: the remote id, else the local key, else the place.';
comment on column tideway.sync_errors."column" is 'The local column; null when the whole row is meant.';
comment on column tideway.sync_errors.error_class is 'How Tideway reacts; see tideway.error_classes or docs/errors.md.';
comment on column tideway.sync_errors.code is 'The fact, stable between releases; docs/errors.md lists them.';
comment on column tideway.sync_errors.severity is 'error: the row was not written; warning: it was, without this column.';
comment on column tideway.sync_errors.message is 'What happened, for people; never a secret.';
comment on column tideway.sync_errors.suggestion is 'What to do.';
comment on column tideway.sync_errors.details is 'More facts, such as the constraint; may hold values of the row.';
comment on column tideway.sync_errors.retryable is 'Whether Tideway tries again by itself.';
comment on column tideway.sync_errors.attempts is 'How often it has happened.';
comment on column tideway.sync_errors.first_seen_at is 'When it happened first.';
comment on column tideway.sync_errors.last_seen_at is 'When it happened last.';
comment on column tideway.sync_errors.resolved_at is 'When it was closed; null while it is open.';
comment on column tideway.sync_errors.resolved_by is 'Who closed it; tideway when a later success did.';
comment on column tideway.sync_errors.resolution_notes is 'What the person who closed it wrote.';
