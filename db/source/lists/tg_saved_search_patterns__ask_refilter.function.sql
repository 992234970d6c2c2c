create or replace function tideway_private.tg_saved_search_patterns__ask_refilter()
returns trigger
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_pattern  tideway.saved_search_patterns := case when tg_op = 'DELETE' then old else new end;
  v_mapping  integer;
begin
  for v_mapping in
    select m.number from tideway.mappings m
     where m.org_id = v_pattern.org_id and m.pattern = v_pattern.name and m.state <> 'unmapped'
     order by m.number
  loop
    -- A filter that does not fit the mapping is refused here, where its author sees it, and not by the daemon at night.
    if tg_op <> 'DELETE' then
      perform tideway_private.mapping_predicate(v_mapping);
    end if;
    perform tideway_private.ask('refilter', v_mapping, null, jsonb_build_object('reason', 'pattern', 'pattern', v_pattern.name));
  end loop;
  return null;
end;
$$;

comment on function tideway_private.tg_saved_search_patterns__ask_refilter() is
  'Asks that the mappings filtered by a pattern look at their rows again when it changes.';
