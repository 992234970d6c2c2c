create or replace function tideway_private.reject_secret(connection integer, epoch bigint, reason text)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_connection  tideway.connections;
begin
  update tideway.connections c
     set state = 'unauthorized', paused_at = clock_timestamp(), paused_reason = reject_secret.reason
    from tideway_private.leases l
   where c.number = reject_secret.connection
     and l.connection = c.number
     and l.epoch = reject_secret.epoch
     and c.state = 'active'
  returning c.* into v_connection;
  if not found then
    return false;
  end if;
  insert into tideway.sync_activity_log (org_id, connection_id, source_system, action, status, error_message)
  values (v_connection.org_id, v_connection.id, v_connection.system, 'pause', 'failed', reject_secret.reason);
  return true;
end;
$$;

comment on function tideway_private.reject_secret(integer, bigint, text) is
  'Stops a connection whose secret the app refuses, instead of hammering it; a new secret or resume_connection lets it go on.';
