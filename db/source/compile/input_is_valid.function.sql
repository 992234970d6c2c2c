create or replace function tideway.input_is_valid(value text, type_name text)
returns boolean
language plpgsql
stable
strict
set search_path = ''
as $$
begin
  execute format('select %L::%s', value, type_name);
  -- A cast cuts the elements of such a list off without a word.
  if type_name ~ '^(character varying|varchar)\(\d+\)\[\]$' then
    return not exists (
      select from unnest(value::text[]) e where char_length(e) > substring(type_name, '\((\d+)\)')::integer);
  end if;
  return true;
exception when data_exception or check_violation or not_null_violation or invalid_text_representation or program_limit_exceeded then
  return false;
end;
$$;

comment on function tideway.input_is_valid(text, text) is
  'Whether a text can become a type; PostgreSQL 15 has no pg_input_is_valid.';
