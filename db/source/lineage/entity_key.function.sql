create or replace function tideway_private.entity_key(local_table regclass, key jsonb)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  v_mapping integer;
begin
  select m.number into v_mapping from tideway.mappings m
   where m.local_table = entity_key.local_table
   order by m.state = 'unmapped', m.number limit 1;
  if found then
    return tideway_private.key_text(v_mapping, entity_key.key);
  end if;
  return case jsonb_typeof(entity_key.key)
           when 'object' then (select case when count(*) = 1 then min(e.value) else jsonb_agg(e.value order by e.key)::text end
                                 from jsonb_each_text(entity_key.key) e)
           else entity_key.key #>> '{}' end;
end;
$$;

comment on function tideway_private.entity_key(regclass, jsonb) is
  'The key of a row as links and lineage write it; without a mapping of the table the text of what was given.';
