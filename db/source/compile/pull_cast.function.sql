create or replace function tideway_private.pull_cast(value_text text, type text, local_type text)
returns text
language sql
stable
set search_path = ''
as $$
  -- A zone must never be dropped silently, so a column without one holds UTC.
  select case
           when type = 'boolean' and base in ('smallint', 'integer', 'bigint', 'numeric')
             then pg_catalog.format('((%s)::boolean)::integer::%s', value_text, local_type)
           when type in ('date-time', 'date', 'string') and base = 'timestamp without time zone'
             then pg_catalog.format('((%s)::timestamptz at time zone ''UTC'')::%s', value_text, local_type)
           when type = 'date-time' and base in ('date', 'time without time zone')
             then pg_catalog.format('((%s)::timestamptz at time zone ''UTC'')::%s', value_text, local_type)
           else pg_catalog.format('(%s)::%s', value_text, local_type)
         end
    from (select tideway_private.base_type(local_type) as base) as t
$$;

comment on function tideway_private.pull_cast(text, text, text) is
  'The SQL that casts a text to a column''s type, reading moments without a zone as UTC.';
