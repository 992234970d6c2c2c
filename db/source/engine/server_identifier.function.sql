create or replace function tideway_private.server_identifier()
returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  -- A provider may keep it to itself.
  if has_function_privilege('pg_catalog.pg_control_system()', 'execute') then
    return (select s.system_identifier::text from pg_catalog.pg_control_system() s);
  end if;
  return null;
end;
$$;

comment on function tideway_private.server_identifier() is
  'The system identifier of this server as SQL shows it; null where it may not be asked.';
