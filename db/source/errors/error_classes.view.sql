create or replace view tideway_private.error_classes (error_class, retried, suggestion)
with (security_invoker = true)
as values
  ('VALIDATION_ERROR', false, 'Correct the value where it was entered, or change the column''s type or transform; the row follows by itself when it changes, or call tideway.retry_row(mapping, key).'),
  ('TRANSFORM_ERROR',  false, 'Test the column''s transform with the value shown, mend the function or the value, then call tideway.retry_failed_sync(mapping, ''TRANSFORM_ERROR'').'),
  ('API_ERROR',        true,  'Read the app''s answer in the message. If the app had a fault it is tried again by itself; if it refused the row, mend the row and call tideway.retry_row(mapping, key).'),
  ('RATE_LIMIT',       true,  'Nothing to do: the work goes on when the app allows it. If it returns daily, make the schedule rarer or ask the app for a larger quota.'),
  ('NETWORK_ERROR',    true,  'It is tried again by itself. If it lasts, check from the daemon''s machine that the app''s host can be reached, and call tideway.test_connection(connection).'),
  ('AUTH_ERROR',       false, 'Give the connection a valid secret with tideway.connect(...), check it with tideway.test_connection(connection), then call tideway.resume_connection(connection).'),
  ('CONFLICT',         false, 'Look at tideway.open_conflicts and choose with tideway.resolve_conflict(id, ''remote''|''local''|''value'', value).'),
  ('INTERNAL',         true,  'A fault of Tideway itself: report it with the code, the message and the run. The rows are tried again and nothing is lost.'),
  ('DATABASE_ERROR',   true,  'Read the message of the database. If a rule of the table refused the row, mend the row or the rule and call tideway.retry_row(mapping, key); else it is tried again by itself.');

comment on view tideway_private.error_classes is
  'The classes of errors: whether Tideway tries again by itself, and what a person can do.';
