create or replace function tideway_private.array_text(value jsonb)
returns text
language sql
immutable
set search_path = ''
as $$
  select case pg_catalog.jsonb_typeof(value)
           when 'array' then (select coalesce(pg_catalog.array_agg(e order by n), '{}')::text
                                from pg_catalog.jsonb_array_elements_text(value) with ordinality as x (e, n))
           when 'null' then null
           else array[value #>> '{}']::text
         end
$$;

comment on function tideway_private.array_text(jsonb) is
  'A JSON list as the text of a PostgreSQL array; a single value becomes a list of one.';
