create or replace function tideway_private.pull_problem(value_text text, type text, local_type text, column_name text, not_null boolean)
returns text
language sql
stable
set search_path = ''
as $$
  -- One CASE a column: null when all is well, else {code, message}. The order is the order in which people mend things.
  select 'case'
         || case when not_null then pg_catalog.format(' when %s is null then %s', value_text,
                 pg_catalog.format('%L::jsonb', pg_catalog.jsonb_build_object('code', 'CONSTRAINT_NOT_NULL', 'message',
                   pg_catalog.format('Missing required field ''%s''', column_name)))) else '' end
         || pg_catalog.format(' when %s is null then null', value_text)
         || case when type = 'email-address' then pg_catalog.format(
                 ' when %s !~ ''^[^@\s]+@[^@\s]+\.[^@\s]+$'' then ''{"code": "VALIDATION_ERROR", "message": "Invalid email format"}''::jsonb', value_text) else '' end
         || case when type = 'image-uri' and base not like '%[]' and base not in ('json', 'jsonb') then pg_catalog.format(
                 ' when %s !~* ''^([a-z][a-z0-9+.-]*:|//|$)'' then ''{"code": "VALIDATION_ERROR", "message": "Not a URI: an image is given by an address such as https://…"}''::jsonb', value_text) else '' end
         || case when base in ('date', 'timestamp without time zone', 'timestamp with time zone') then pg_catalog.format(
                 ' when %s ~ ''^[-+]*[iI]'' then ''{"code": "DATE_OUT_OF_RANGE", "message": "An infinite date cannot be kept in step"}''::jsonb', value_text) else '' end
         || case when base in ('character varying', 'character') and local_type ~ '\(\d+\)' then pg_catalog.format(
                 ' when pg_catalog.char_length(%s) > %s then %L::jsonb', value_text, pg_catalog.substring(local_type, '\((\d+)\)'),
                 pg_catalog.jsonb_build_object('code', 'VALUE_TOO_LONG', 'message',
                   pg_catalog.format('Longer than the %s characters of the column', pg_catalog.substring(local_type, '\((\d+)\)')))) else '' end
         || case when base in ('text', 'character varying', 'character') and tideway_private.base_type(local_type) = pg_catalog.regexp_replace(local_type, '\([^)]*\)', '') then '' else
              pg_catalog.format(' when not %s then %L::jsonb',
                tideway_private.valid_input_test(value_text,
                  case when type = 'boolean' and base in ('smallint', 'integer', 'bigint', 'numeric') then 'boolean'
                       when type in ('date-time', 'date', 'string') and base in ('timestamp without time zone') then 'timestamptz'
                       when type = 'date-time' and base in ('date', 'time without time zone') then 'timestamptz'
                       else local_type end),
                pg_catalog.jsonb_build_object('code',
                  case when base in ('date', 'timestamp without time zone', 'timestamp with time zone', 'time without time zone') then 'DATE_OUT_OF_RANGE'
                       when base in ('smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision', 'money') then 'NUMERIC_OUT_OF_RANGE'
                       else 'VALIDATION_ERROR' end,
                  'message', pg_catalog.format('Not a valid %s', local_type)))
            end
         || ' end'
    from (select tideway_private.base_type(local_type) as base) as t
$$;

comment on function tideway_private.pull_problem(text, text, text, text, boolean) is
  'The SQL that says what is wrong with a text before it is cast: null, or code and message.';
