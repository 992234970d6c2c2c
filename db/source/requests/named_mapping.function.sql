create or replace function tideway_private.named_mapping(name text)
returns tideway.mappings
language plpgsql
stable
set search_path = ''
as $$
declare
  v_mapping tideway.mappings;
  v_names   text[];
begin
  select m.* into v_mapping
    from tideway.mappings m
   where m.name = named_mapping.name
     and m.org_id = tideway.current_org_id()
     and m.state <> 'unmapped';
  if not found and named_mapping.name ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    select m.* into v_mapping
      from tideway.mappings m
     where m.id = named_mapping.name::uuid
       and m.org_id = tideway.current_org_id()
       and m.state <> 'unmapped';
  end if;
  if found then
    return v_mapping;
  end if;

  select coalesce(array_agg(m.name), '{}') into v_names
    from tideway.mappings m
   where m.org_id = tideway.current_org_id() and m.state <> 'unmapped';
  perform tideway_private.raise_unknown('mapping', named_mapping.name, v_names, 'TWMAP', 'select name, state from tideway.mappings;');
  return null;
end;
$$;

comment on function tideway_private.named_mapping(text) is
  'The mapping of that name, or with that id, in the caller''s organisation; raises TWMAP with the nearest names when there is none.';
