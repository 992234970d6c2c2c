create or replace function tideway_private.key_part(key_text text, key_columns text[], part integer)
returns text
language sql
immutable
set search_path = ''
as $$
  select case pg_catalog.cardinality(key_columns)
           when 1 then key_text
           else pg_catalog.format('(%s::jsonb ->> %s)', key_text, part - 1)
         end
$$;

comment on function tideway_private.key_part(text, text[], integer) is
  'The SQL of one key column''s text inside a local key.';
