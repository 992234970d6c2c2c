create or replace function tideway.record_sync_error(
  mapping      text,
  error_class  text,
  message      text,
  key          jsonb default null,
  column_name  text default null,
  details      jsonb default null,
  retryable    boolean default false,
  direction    text default 'pull',
  severity     text default 'error'
)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_mapping tideway.mappings := tideway_private.named_mapping(record_sync_error.mapping);
  v_row     jsonb := '{}';
  v_id      uuid;
begin
  perform tideway_private.known_error_class(record_sync_error.error_class);
  perform tideway_private.one_of('direction', record_sync_error.direction, array['pull', 'push']);
  perform tideway_private.one_of('severity', record_sync_error.severity, array['warning', 'error']);
  if coalesce(record_sync_error.message, '') = '' then
    raise exception 'An error needs a message.'
      using errcode = 'TWARG', hint = 'Say what happened in the argument message.';
  end if;
  if record_sync_error.key is not null then
    v_row := tideway_private.row_args(v_mapping.number, record_sync_error.key);
  end if;

  -- The code is this function's own, so the daemon never waits for a caller's open transaction.
  insert into tideway.sync_errors as e
    (org_id, mapping_id, connection_id, direction, local_key, remote_id, "column",
     error_class, code, severity, message, suggestion, details, retryable)
  values
    (v_mapping.org_id, v_mapping.id, v_mapping.connection_id, record_sync_error.direction, v_row ->> 'local_key', v_row ->> 'remote_id',
     record_sync_error.column_name, record_sync_error.error_class, 'RECORDED', record_sync_error.severity, record_sync_error.message,
     tideway_private.suggestion(record_sync_error.error_class, 'RECORDED'), record_sync_error.details, record_sync_error.retryable)
  on conflict (mapping_id, direction, row_identity, (coalesce("column", '')), code) where resolved_at is null
  do update set attempts = e.attempts + 1, last_seen_at = clock_timestamp(), error_class = excluded.error_class,
                severity = excluded.severity, message = excluded.message, details = excluded.details, retryable = excluded.retryable
  returning e.id into v_id;

  return v_id;
end;
$$;

comment on function tideway.record_sync_error(text, text, text, jsonb, text, jsonb, boolean, text, text) is
'Records an error that Tideway cannot see itself, for a mapping or one of its rows, and returns its id.

The same open error (row, column) is counted, not doubled. It closes by itself when the row next succeeds in that direction.

  select tideway.record_sync_error(''products'', ''VALIDATION_ERROR'', ''The price list has no such currency.'', ''42'', ''price'');';
