create or replace function tideway_private.push_expression(value text, type text, local_type text, transform text)
returns text
language sql
stable
set search_path = ''
as $$
  -- Numbers that a double cannot hold and moments travel as text; the connector gives them the app's own form.
  select case
           when not tideway_private.converts(type, local_type) then null
           else tideway_private.transform_expression(
             case
               when type = 'boolean' and base in ('smallint', 'integer', 'bigint', 'numeric')
                 then pg_catalog.format('pg_catalog.to_jsonb((%s) <> 0)', value)
               when type = 'date-time' and base = 'timestamp without time zone'
                 then pg_catalog.format('pg_catalog.to_jsonb((%s) at time zone ''UTC'')', value)
               when type = 'date-time' and base = 'date'
                 then pg_catalog.format('pg_catalog.to_jsonb((%s)::timestamp at time zone ''UTC'')', value)
               when type = 'date' and base in ('timestamp without time zone', 'timestamp with time zone')
                 then pg_catalog.format('pg_catalog.to_jsonb((%s)::date)', value)
               when type in ('string', 'email-address', 'image-uri') and base in ('smallint', 'integer', 'bigint', 'numeric', 'boolean', 'uuid', 'real', 'double precision')
                 then pg_catalog.format('pg_catalog.to_jsonb((%s)::text)', value)
               when type = 'number' and base in ('text', 'citext', 'character varying', 'character')
                 then pg_catalog.format('case when (%1$s)::text ~ ''^\s*-?[0-9]+(\.[0-9]+)?\s*$'' then %2$s when pg_catalog.btrim((%1$s)::text) = '''' then ''null'' else pg_catalog.to_jsonb((%1$s)::text) end',
                        value, tideway_private.exact_number(pg_catalog.format('pg_catalog.btrim((%s)::text)', value)))
               -- As exact_number(), without a look at the digits.
               when type = 'number' and base = 'bigint'
                 then pg_catalog.format('case when (%1$s) between -999999999999999 and 999999999999999 then pg_catalog.to_jsonb(%1$s) else pg_catalog.to_jsonb((%1$s)::text) end', value)
               when type = 'number' and base = 'numeric'
                 then tideway_private.exact_number(value)
               else pg_catalog.format('pg_catalog.to_jsonb(%s)', value)
             end, transform)
         end
    from (select tideway_private.base_type(local_type) as base) as t
$$;

comment on function tideway_private.push_expression(text, text, text, text) is
  'The SQL that turns a value of the column into the JSON value for the app; null when the two types cannot convert.';
