create or replace function tideway_private.named_connection(name text)
returns tideway.connections
language plpgsql
stable
set search_path = ''
as $$
declare
  v_connection tideway.connections;
  v_names      text[];
begin
  select c.* into v_connection
    from tideway.connections c
   where c.name = named_connection.name
     and c.org_id = tideway.current_org_id();
  if not found and named_connection.name ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    select c.* into v_connection
      from tideway.connections c
     where c.id = named_connection.name::uuid
       and c.org_id = tideway.current_org_id();
  end if;
  if found then
    return v_connection;
  end if;

  select coalesce(array_agg(c.name), '{}') into v_names
    from tideway.connections c
   where c.org_id = tideway.current_org_id();
  perform tideway_private.raise_unknown('connection', named_connection.name, v_names, 'TWCON', 'select name, system, state from tideway.connections;');
  return null;
end;
$$;

comment on function tideway_private.named_connection(text) is
  'The connection of that name, or with that id, in the caller''s organisation; raises TWCON with the nearest names when there is none.';
