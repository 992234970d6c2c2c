create or replace function tideway_private.raise_defined_by_functions(target text)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  raise exception 'The table tideway.% is not written by hand.', target
    using errcode = 'TWDEF',
          detail = 'The functions check what they write, and compile it.',
          hint = 'Use tideway.connect, map, activate, pause, resume, unmap or disconnect.';
end;
$$;

comment on function tideway_private.raise_defined_by_functions(text) is
  'Refuses a definition that goes around the functions.';
