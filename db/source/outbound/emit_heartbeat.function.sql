create or replace function tideway_private.emit_heartbeat(content text)
returns pg_lsn
language sql
volatile
set search_path = ''
as $$
  select pg_catalog.pg_logical_emit_message(false, 'tideway.heartbeat', content)
$$;

comment on function tideway_private.emit_heartbeat(text) is
  'Writes a message into the log that comes back through the slot: it moves an idle slot and proves the round trip.';
