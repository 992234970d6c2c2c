create or replace function tideway_private.exact_number(value text)
returns text
language sql
immutable
set search_path = ''
as $$
  -- Fifteen digits always survive a double; longer numbers, NaN and infinity travel as text.
  select pg_catalog.format(
    'case when (%1$s)::text ~ ''^-?[0-9.]+$'' and pg_catalog.length(pg_catalog.translate((%1$s)::text, ''.-'', '''')) <= 15'
    ' then pg_catalog.to_jsonb((%1$s)::numeric) else pg_catalog.to_jsonb((%1$s)::text) end', value)
$$;

comment on function tideway_private.exact_number(text) is
  'The SQL of a number as JSON: as text where a double precision number would lose digits.';
