create or replace function tideway_private.load_token(connection integer, name text)
returns text
language sql
stable
set search_path = ''
as $$
  select t.sealed from tideway_private.tokens t where t.connection = load_token.connection and t.name = load_token.name
$$;

comment on function tideway_private.load_token(integer, text) is
  'A secret that the app gave out, as sealed text; null when there is none.';
