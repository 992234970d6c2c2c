create or replace function tideway_private.push_loses(type text, local_type text, transform text)
returns boolean
language sql
stable
set search_path = ''
as $$
  -- Asked for every batch: what is behind a type is looked up only where its name does not tell.
  select case
           when transform is not null then true
           when type not in ('boolean', 'date', 'number') then false
           when local_type ~ '^(boolean|date|smallint|integer|bigint|numeric|real|double precision|timestamp)( |\(|$)'
           then type = 'boolean' and local_type ~ '^(smallint|integer|bigint|numeric)'
             or type = 'date' and local_type ~ '^timestamp'
           else (select type = 'boolean' and base in ('smallint', 'integer', 'bigint', 'numeric')
                     or type = 'date' and base in ('timestamp without time zone', 'timestamp with time zone')
                     or type = 'number' and base in ('text', 'citext', 'character varying', 'character')
                   from (select tideway_private.base_type(local_type) as base) as t)
         end
$$;

comment on function tideway_private.push_loses(text, text, text) is
  'Whether two values of the column may look the same in the app, as push_expression() sends them.';
