create or replace function tideway_private.raise_unpublished(mapping text, statements text[])
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  raise exception 'The table of the mapping "%" is not ready to be followed, and you may not make it so.', raise_unpublished.mapping
    using errcode = 'TWPUB',
          detail = 'Nothing was changed. It takes the owner of the table and of the publication.',
          hint = format(E'Let them run:\n%s\nand activate again.', array_to_string(statements, E'\n'));
end;
$$;

comment on function tideway_private.raise_unpublished(text, text[]) is
  'Prints what the owner of a table must run before its mapping can be activated.';
