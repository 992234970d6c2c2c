create or replace function tideway_private.note_server()
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_here  text := tideway_private.server_identifier();
begin
  if v_here is null
     or not exists (select from tideway_private.positions)
     or exists (select from tideway_private.positions p where split_part(p.system_identifier, '/', -1) = v_here)
  then
    return false;
  end if;

  perform tideway_private.pause_copy();
  -- The follower still has to learn that every row must be compared.
  update tideway_private.positions p set system_identifier = 'noted/' || v_here;
  return true;
end;
$$;

comment on function tideway_private.note_server() is
  'Pauses all connections when this database came from another server, also where the log cannot be read; true when it did.';
