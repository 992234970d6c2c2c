create or replace function tideway_private.raise_invalid_columns(mapping text, problems text[])
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  raise exception 'The columns of the mapping "%" are not right.', raise_invalid_columns.mapping
    using errcode = 'TWCOL',
          detail = replace(array_to_string(problems, E'\n'), '?.', '?'),
          hint = 'A column is {"local": "name", "remote": "Name", "type": "string"}; see \df+ tideway.map.';
end;
$$;

comment on function tideway_private.raise_invalid_columns(text, text[]) is
  'Refuses a list of columns that cannot be read, with every problem at once.';
