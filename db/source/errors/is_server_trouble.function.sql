create or replace function tideway_private.is_server_trouble(state text)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select state ~ '^(53|57P|58)' or state = '25006'
$$;

comment on function tideway_private.is_server_trouble(text) is
  'Whether an SQLSTATE speaks of the server (no room, no memory, an operator, no writes) and not of the row that met it.';
