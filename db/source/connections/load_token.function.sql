create or replace function tideway_private.load_token(connection integer, name text)
returns text
language sql
stable
set search_path = ''
as $$
  select t.sealed
    from tideway_private.tokens t
   where t.connection = load_token.connection and t.name = load_token.name
   order by t.version desc
   limit 1
$$;

comment on function tideway_private.load_token(integer, text) is
  'The newest version of a secret that the app gave out, as sealed text; null when there is none.';
