create or replace function tideway.read_amount(amount text)
returns numeric
language sql
immutable
strict
set search_path = ''
as $$
  -- The last of comma and point is the decimal mark, unless it stands alone before exactly three digits.
  select (case when amount ~ '^\s*\(.*\)\s*$' or amount ~ '^\s*[^\d(]*-' then '-' else '' end
          || case
               when digits = '' then null
               when digits ~ ',\d*$' and (digits ~ '\..*,' or digits !~ ',\d{3}$')
                 then pg_catalog.replace(pg_catalog.replace(digits, '.', ''), ',', '.')
               when digits ~ '\..*\.' then pg_catalog.replace(digits, '.', '')
               else pg_catalog.replace(digits, ',', '')
             end)::numeric
    from (select pg_catalog.regexp_replace(amount, '[^0-9.,]', '', 'g') as digits) as d
$$;

comment on function tideway.read_amount(text) is
  'Reads a number with thousands separators, currency signs, brackets or a minus; null when it holds no digit.';
