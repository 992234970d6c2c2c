create or replace function tideway_private.valid_input_test(value text, type_name text)
returns text
language sql
stable
set search_path = ''
as $$
  select case
           when pg_catalog.current_setting('server_version_num')::integer >= 160000
             then pg_catalog.format('pg_catalog.pg_input_is_valid(%s, %L)', value, type_name)
           else pg_catalog.format('tideway.input_is_valid(%s, %L)', value, type_name)
         end
$$;

comment on function tideway_private.valid_input_test(text, text) is
  'The SQL that asks whether a text can become a type: built in from PostgreSQL 16, our own function before.';
