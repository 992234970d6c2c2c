create or replace function tideway_private.ask(
  kind        text,
  mapping     integer,
  connection  integer,
  args        jsonb default '{}',
  run         uuid default null
)
returns bigint
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_org_id     text;
  v_connection integer := ask.connection;
  v_request    bigint;
begin
  if ask.mapping is not null then
    select m.org_id, c.number into v_org_id, v_connection
      from tideway.mappings m
      join tideway.connections c on c.id = m.connection_id
     where m.number = ask.mapping;
  elsif ask.connection is not null then
    select c.org_id into v_org_id from tideway.connections c where c.number = ask.connection;
  else
    v_org_id := tideway.current_org_id();
  end if;

  insert into tideway_private.requests (org_id, kind, mapping, connection, args, run_id, requested_by)
  values (v_org_id, ask.kind, ask.mapping, v_connection, coalesce(ask.args, '{}'), ask.run,
          coalesce(tideway.current_user_id(), current_user))
  returning id into v_request;

  perform pg_notify('tideway_requests', coalesce(v_connection::text, ''));
  return v_request;
end;
$$;

comment on function tideway_private.ask(text, integer, integer, jsonb, uuid) is
'Appends a request, which takes effect when the caller''s transaction commits, and wakes the daemon.

The only way in which a function that people call changes the workings: it shares no lock with the daemon.';
