create or replace function tideway_private.retry_sync_error(id uuid)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_error    tideway.sync_errors;
  v_mapping  integer;
begin
  select e.* into v_error from tideway.sync_errors e where e.id = retry_sync_error.id;
  if not found then
    raise exception 'There is no error with the id %.', coalesce(retry_sync_error.id::text, 'null')
      using errcode = 'TWERR', hint = 'List the open ones with: select id, message from tideway.get_sync_errors();';
  end if;
  select m.number into v_mapping from tideway.mappings m where m.id = v_error.mapping_id and m.state <> 'unmapped';
  if v_mapping is null or coalesce(v_error.local_key, v_error.remote_id) is null or v_error.resolved_at is not null then
    return 0;
  end if;
  perform tideway_private.ask('retry', v_mapping, null,
    case when v_error.local_key is not null then jsonb_build_object('local_key', v_error.local_key)
         else jsonb_build_object('remote_id', v_error.remote_id) end);
  return 1;
end;
$$;

comment on function tideway_private.retry_sync_error(uuid) is
  'Tries the row of an open error again at once; returns 1, or 0 when the error is closed or names no row.';
