create or replace function tideway_private.raise_unknown_system(system text, known text[])
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  raise exception 'There is no system %.', coalesce(format('"%s"', raise_unknown_system.system), 'null')
    using errcode = 'TWSYS',
          detail = format('Known are: %s.', array_to_string(known, ', ')),
          hint = coalesce('Did you mean ' || tideway_private.nearest_names(raise_unknown_system.system, known) || '? ', '')
                 || 'List them with: select system, title from tideway.systems;';
end;
$$;

comment on function tideway_private.raise_unknown_system(text, text[]) is
  'Refuses a system that no connector speaks for.';
