create or replace function tideway_private.mapping_predicate(mapping integer, alias text default null)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  v_mapping  tideway.mappings;
  v_filter   jsonb;
begin
  select * into v_mapping from tideway.mappings m where m.number = mapping_predicate.mapping;
  if v_mapping.pattern is null then
    return 'true';
  end if;
  select p.filter_config into v_filter
    from tideway.saved_search_patterns p
   where p.org_id = v_mapping.org_id and p.name = v_mapping.pattern
   order by p.user_id is null desc, p.created_at
   limit 1;
  if not found then
    raise exception 'The mapping "%" uses the pattern "%", which does not exist.', v_mapping.name, v_mapping.pattern
      using errcode = 'TWPAT', hint = 'Save it with tideway.save_pattern(name, filter), or map without it.';
  end if;
  return tideway_private.pattern_predicate(v_filter,
    (select jsonb_agg(jsonb_build_object('local', c.local, 'remote', c.remote, 'field', c.field, 'local_type', c.local_type))
       from tideway.mapping_columns c where c.mapping_id = v_mapping.id), mapping_predicate.alias);
end;
$$;

comment on function tideway_private.mapping_predicate(integer, text) is
  'The expression of the pattern that a mapping is filtered by; true without one. The organisation''s own pattern wins over a person''s of the same name.';
