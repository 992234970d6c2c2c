create or replace function tideway.resume_connection(name text)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_connection tideway.connections := tideway_private.named_connection(resume_connection.name);
  v_rows       integer;
begin
  perform tideway_private.defining(true);
  update tideway.connections c
     set state = 'active', paused_at = null, paused_reason = null
   where c.id = v_connection.id
     and c.state <> 'active';
  get diagnostics v_rows = row_count;
  perform pg_notify('tideway_requests', v_connection.number::text);
  perform tideway_private.defining(false);
  return v_rows;
end;
$$;

comment on function tideway.resume_connection(text) is
'Lets a paused or unauthorized connection work again; returns 0 when it was not stopped.

  select tideway.resume_connection(''shop'');';
