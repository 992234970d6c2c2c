create or replace function tideway_private.field_types()
returns text[]
language sql
immutable
set search_path = ''
as $$
  select array['string', 'number', 'boolean', 'date', 'time', 'date-time', 'duration', 'uri', 'image-uri', 'email-address', 'json', 'array']
$$;

comment on function tideway_private.field_types() is
  'The types that a mapped column can have; every type of every app becomes one of them.';
