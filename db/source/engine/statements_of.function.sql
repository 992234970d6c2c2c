create or replace function tideway_private.statements_of(mapping integer)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(pg_catalog.jsonb_object_agg(s.kind, s.sql), '{}')
    from tideway_private.statements s
   where s.mapping = statements_of.mapping
$$;

comment on function tideway_private.statements_of(integer) is
  'The compiled SQL of a mapping by kind.';
