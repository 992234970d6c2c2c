create or replace function tideway_private.raise_invalid_options(mapping text, problems text[])
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  raise exception 'The options of the mapping "%" are not right.', raise_invalid_options.mapping
    using errcode = 'TWOPT',
          detail = replace(array_to_string(problems, E'\n'), '?.', '?'),
          hint = 'List the options with: select * from tideway_private.mapping_options();';
end;
$$;

comment on function tideway_private.raise_invalid_options(text, text[]) is
  'Refuses options of a mapping, with every problem at once.';
