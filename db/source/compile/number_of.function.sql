create or replace function tideway_private.number_of(value text)
returns jsonb
language sql
immutable
set search_path = ''
as $$
  select case
           when value is null or pg_catalog.btrim(value) = '' then 'null'
           when value ~ '^\s*-?\d+(\.\d+)?\s*$' then tideway_private.exact_number(value::numeric)
           else pg_catalog.to_jsonb(value)
         end
$$;

comment on function tideway_private.number_of(text) is
  'A text column as a JSON number where it holds one; what is no number stays text, for the app to refuse by name.';
