create or replace function tideway_private.raise_in_use(connection text, mappings text[], forgotten boolean)
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  raise exception 'The connection "%" is used by mappings.', raise_in_use.connection
    using errcode = 'TWUSE',
          detail = format('Mappings: %s.', array_to_string(mappings, ', ')),
          hint = case when forgotten
                   then 'They are being forgotten; the daemon drops their links first. Try again in a moment.'
                   else format('Unmap them first: %s', (select string_agg(format('select tideway.unmap(%L, forget => true);', m), ' ') from unnest(mappings) m))
                 end;
end;
$$;

comment on function tideway_private.raise_in_use(text, text[], boolean) is
  'Refuses to disconnect an app that mappings still use.';
