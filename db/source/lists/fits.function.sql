create or replace function tideway_private.fits(value text, type_name text)
returns boolean
language plpgsql
stable
strict
set search_path = ''
as $$
declare
  v_type regtype := type_name::regtype;
begin
  execute format('select %L::%s', value, format_type(v_type, null));
  return true;
exception when data_exception or check_violation or not_null_violation or program_limit_exceeded or undefined_object then
  return false;
end;
$$;

comment on function tideway_private.fits(text, text) is
  'Whether a text can become a value of a type; PostgreSQL 15 has no pg_input_is_valid.';
