create or replace function tideway.resolve_sync_error(id uuid, notes text default null)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
begin
  update tideway.sync_errors e
     set resolved_at = clock_timestamp(),
         resolved_by = coalesce(tideway.current_user_id(), current_user),
         resolution_notes = resolve_sync_error.notes
   where e.id = resolve_sync_error.id
     and e.resolved_at is null;

  if found then
    return 1;
  end if;
  if not exists (select from tideway.sync_errors e where e.id = resolve_sync_error.id) then
    raise exception 'There is no error with the id %.', coalesce(resolve_sync_error.id::text, 'null')
      using errcode = 'TWERR', hint = 'List the open ones with: select id, message from tideway.get_sync_errors();';
  end if;
  return 0;
end;
$$;

comment on function tideway.resolve_sync_error(uuid, text) is
'Closes an error by hand with a note; returns 1, or 0 when it was closed already (its first resolver and note stay).

It does not try the row again: that is tideway.retry_row. If the row fails again, a new error is opened.

  select tideway.resolve_sync_error(''0b6f4a52-5b6e-4a0c-9a43-6f1f0a5f2f10'', ''vendor renamed the field'');';
