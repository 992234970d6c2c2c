create or replace function tideway_private.resolve_list_item(item tideway.sync_list)
returns table (source_mapping integer, target_mapping integer, local_key text, problem text)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_variable
declare
  v_side     text;
  v_system   text;
  v_named    text;
  v_numbers  integer[];
  v_names    text[];
  v_unknown  text;
begin
  foreach v_side in array array['source', 'target'] loop
    v_system := case v_side when 'source' then item.source_platform else item.target_platform end;
    v_named := case v_side when 'source' then item.source_mapping else item.target_mapping end;
    select array_agg(m.number order by m.name), array_agg(m.name order by m.name)
      into v_numbers, v_names
      from tideway.mappings m
      join tideway.connections c on c.id = m.connection_id
     where m.org_id = item.org_id
       and m.state = 'active'
       and c.system = v_system
       and (m.item_type = item.item_type and v_named is null or m.name = v_named);
    if cardinality(v_numbers) = 1 then
      if v_side = 'source' then source_mapping := v_numbers[1]; else target_mapping := v_numbers[1]; end if;
    elsif v_numbers is null then
      problem := concat_ws(' ', problem, case
        when v_named is not null then format('The %s mapping "%s" of %s is not active.', v_side, v_named, v_system)
        else format('No active mapping of %s has the item type "%s".', v_system, item.item_type) end);
    else
      problem := concat_ws(' ', problem, format('Several mappings of %s have the item type "%s"; name one in %s_mapping: %s.',
                                                v_system, item.item_type, v_side, array_to_string(v_names, ', ')));
    end if;
  end loop;

  if target_mapping is not null and item.fields is not null then
    select string_agg(f, ', ' order by f) into v_unknown
      from unnest(item.fields) f
     where not exists (select from tideway.mappings m join tideway.mapping_columns c on c.mapping_id = m.id
                        where m.number = target_mapping and f in (c.local, c.remote, c.field));
    if v_unknown is not null then
      problem := concat_ws(' ', problem, format('fields names what the target mapping does not have: %s.', v_unknown));
    end if;
  end if;
  if source_mapping is not null then
    select l.local_key into local_key
      from tideway_private.links l
     where l.mapping = source_mapping and l.remote_id = item.source_id and l.local_gone_at is null;
  end if;
  return next;
end;
$$;

comment on function tideway_private.resolve_list_item(tideway.sync_list) is
'The mappings of a list item on both sides and the key of its row here; problem is the sentence of its VALIDATION_ERROR when there is not exactly one of each.

  select s.id, r.* from tideway.sync_list s cross join lateral tideway_private.resolve_list_item(s) r;';
