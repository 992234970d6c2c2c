create or replace function tideway.disconnect(name text)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_connection tideway.connections := tideway_private.named_connection(disconnect.name);
  v_mappings   text[];
  v_forgotten  boolean;
begin
  perform tideway_private.defining(true);
  select array_agg(m.name order by m.name), bool_and(m.paused_code = 'FORGET') into v_mappings, v_forgotten
    from tideway.mappings m
   where m.connection_id = v_connection.id;
  if v_mappings is not null then
    perform tideway_private.raise_in_use(v_connection.name, v_mappings, coalesce(v_forgotten, false));
  end if;
  delete from tideway.connections c where c.id = v_connection.id;
  perform pg_notify('tideway_requests', '');
  perform tideway_private.defining(false);
  return 1;
end;
$$;

comment on function tideway.disconnect(text) is
'Removes a connection with its secret and what was discovered of its app. Refused while mappings use it, or keep links to it.

  select tideway.disconnect(''shop'');';
