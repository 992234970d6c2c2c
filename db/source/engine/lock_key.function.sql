create or replace function tideway_private.lock_key(name text)
returns integer
language sql
immutable
set search_path = ''
as $$
  select pg_catalog.hashtext('tideway ' || name)
$$;

comment on function tideway_private.lock_key(text) is
  'The first half of an advisory lock, by name; the second half is a mapping''s or connection''s number.';
