create or replace function tideway_private.converts(type text, local_type text)
returns boolean
language sql
stable
set search_path = ''
as $$
  -- Text columns take anything and give text; every other pair is listed.
  select case
           when base is null then false
           when base in ('text', 'citext', 'character varying', 'character', 'name', 'jsonb', 'json') then true
           when base like '%[]' then type in ('array', 'json', 'string', 'image-uri')
           when type = 'string' then base <> 'bytea'
           when type = 'number' then base in ('smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision', 'money', 'boolean', 'oid')
           when type = 'boolean' then base in ('boolean', 'smallint', 'integer', 'bigint', 'numeric')
           when type = 'date' then base in ('date', 'timestamp without time zone', 'timestamp with time zone')
           when type = 'date-time' then base in ('date', 'timestamp without time zone', 'timestamp with time zone', 'time without time zone')
           when type = 'time' then base in ('time without time zone', 'time with time zone', 'interval')
           else false
         end
    from (select tideway_private.base_type(local_type) as base) as t
$$;

comment on function tideway_private.converts(text, text) is
  'Whether a remote type and a column type can be turned into each other.';
