create or replace function tideway.invalidate_cache(name text default null)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_names text[];
begin
  select coalesce(array_agg(m.read ->> 'name'), '{}') into v_names
    from tideway.mappings m
   where m.org_id = tideway.current_org_id()
     and m.read ->> 'name' is not null;

  if invalidate_cache.name <> all (v_names) then
    raise exception 'There is no read cache "%".', invalidate_cache.name
      using errcode = 'TWCCH',
            hint = coalesce('Did you mean ' || tideway_private.nearest_names(invalidate_cache.name, v_names) || '? ', '')
                   || 'A read cache is the option read of a mapping.';
  end if;

  perform tideway_private.ask('invalidate', null, null, jsonb_strip_nulls(jsonb_build_object('name', invalidate_cache.name)));
  return case when invalidate_cache.name is null then cardinality(v_names) else 1 end;
end;
$$;

comment on function tideway.invalidate_cache(text) is
'Makes every daemon read a cached table again: one cache, or all of the organisation; returns how many.

  select tideway.invalidate_cache(''vehicles'');';
