create or replace function tideway_private.guess_type(local_type text)
returns text
language sql
stable
set search_path = ''
as $$
  select case
           when base in ('smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision', 'money') then 'number'
           when base = 'boolean' then 'boolean'
           when base = 'date' then 'date'
           when base in ('timestamp without time zone', 'timestamp with time zone') then 'date-time'
           when base in ('time without time zone', 'time with time zone') then 'time'
           when base in ('json', 'jsonb') then 'json'
           when base like '%[]' then 'array'
           else 'string'
         end
    from (select tideway_private.base_type(local_type) as base) as t
$$;

comment on function tideway_private.guess_type(text) is
  'The type of a mapped column when neither the mapping nor the app says one.';
