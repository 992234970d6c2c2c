create or replace function tideway_private.push_loses(type text, local_type text, transform text)
returns boolean
language sql
stable
set search_path = ''
as $$
  select transform is not null
      or type = 'boolean' and base in ('smallint', 'integer', 'bigint', 'numeric')
      or type = 'date' and base in ('timestamp without time zone', 'timestamp with time zone')
      or type = 'number' and base in ('text', 'citext', 'character varying', 'character')
    from (select tideway_private.base_type(local_type) as base) as t
$$;

comment on function tideway_private.push_loses(text, text, text) is
  'Whether two values of the column may look the same in the app, as push_expression() sends them.';
