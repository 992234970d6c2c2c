create or replace function tideway_private.raise_fixed_identity(kind text, name text, changed text, mappings text[])
returns void
language plpgsql
stable
set search_path = ''
as $$
begin
  raise exception 'The % of the % "%" cannot change: its links point at records that belong to the old one.', changed, kind, raise_fixed_identity.name
    using errcode = 'TWIDN',
          detail = format('Mappings with links: %s.', array_to_string(mappings, ', ')),
          hint = case kind
                   when 'mapping' then format('Unmap it first: select tideway.unmap(%L); or use another name for the new mapping.', raise_fixed_identity.name)
                   else format('Give the other account a name of its own, or forget the links first: %s',
                               (select string_agg(format('select tideway.unmap(%L, forget => true);', m), ' ') from unnest(mappings) m))
                 end;
end;
$$;

comment on function tideway_private.raise_fixed_identity(text, text, text, text[]) is
  'Refuses a change of account, remote table, local table or key while links exist.';
