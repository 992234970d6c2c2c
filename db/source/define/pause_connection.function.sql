create or replace function tideway.pause_connection(name text, reason text default null)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_connection tideway.connections := tideway_private.named_connection(pause_connection.name);
begin
  perform tideway_private.defining(true);
  update tideway.connections c
     set state = 'paused',
         paused_at = case when c.state = 'paused' then c.paused_at else now() end,
         paused_reason = coalesce(pause_connection.reason, c.paused_reason)
   where c.id = v_connection.id;
  perform pg_notify('tideway_requests', v_connection.number::text);
  perform tideway_private.defining(false);
  return 1;
end;
$$;

comment on function tideway.pause_connection(text, text) is
'Stops all mappings of one account in both directions. Changes wait in Postgres; nothing is lost.

Pausing again keeps the first time and takes the new reason. Undo with tideway.resume_connection(name).

  select tideway.pause_connection(''shop'', ''vendor maintenance'');';
