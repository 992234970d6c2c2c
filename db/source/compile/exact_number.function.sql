create or replace function tideway_private.exact_number(value numeric)
returns jsonb
language sql
immutable
set search_path = ''
as $$
  -- Fifteen digits always survive a double; longer numbers, NaN and infinity travel as text.
  select case
           when value = 'NaN' or value in ('Infinity', '-Infinity') then pg_catalog.to_jsonb(value::text)
           when pg_catalog.length(pg_catalog.replace(pg_catalog.replace(value::text, '.', ''), '-', '')) > 15 then pg_catalog.to_jsonb(value::text)
           else pg_catalog.to_jsonb(value)
         end
$$;

comment on function tideway_private.exact_number(numeric) is
  'A number as JSON: as text where a double precision number would lose digits.';
