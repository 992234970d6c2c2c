create or replace function tideway.add_preview_to_sync_list(
  mapping          text,
  target_platform  text,
  note             text[] default '{}',
  source_ids       text[] default null,
  sync_mode        text default 'delta',
  priority         integer default 0
)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_mapping  tideway.mappings := tideway_private.named_mapping(add_preview_to_sync_list.mapping);
  v_delta    jsonb;
  v_system   text;
  v_filter   jsonb;
  v_items    jsonb;
begin
  if v_mapping.item_type is null then
    raise exception 'The mapping "%" has no item type, so its records are no items of a list.', v_mapping.name
      using errcode = 'TWLST', hint = 'Map it with the option {"item_type": "product"}.';
  end if;
  select p.delta_json into v_delta
    from tideway.sync_preview_cache p
   where p.org_id = v_mapping.org_id and p.cache_key = tideway_private.preview_key(v_mapping.number) and p.expires_at > now();
  if not found then
    raise exception 'There is no fresh preview of the mapping "%".', v_mapping.name
      using errcode = 'TWLST', hint = format('Ask for one, wait until its run has ended, and call this again: select * from tideway.preview(%L);', v_mapping.name);
  end if;
  select c.system into v_system from tideway.connections c where c.id = v_mapping.connection_id;
  select p.filter_config into v_filter from tideway.saved_search_patterns p
   where p.org_id = v_mapping.org_id and p.name = v_mapping.pattern order by p.user_id is null desc, p.created_at limit 1;

  select jsonb_agg(jsonb_build_object('source_id', x.change ->> 'remote_id', 'metadata', (
           select coalesce(jsonb_object_agg(n.name, x.change -> 'fields' -> n.name -> 'to'), '{}')
             from unnest(add_preview_to_sync_list.note) as n (name) where x.change -> 'fields' ? n.name)))
    into v_items
    from jsonb_array_elements((v_delta -> 'creates') || (v_delta -> 'updates')) as x (change)
   where x.change ->> 'remote_id' is not null
     and (add_preview_to_sync_list.source_ids is null or x.change ->> 'remote_id' = any (add_preview_to_sync_list.source_ids));
  return tideway_private.put_on_list(v_mapping.item_type, v_system, add_preview_to_sync_list.target_platform, coalesce(v_items, '[]'),
                                     add_preview_to_sync_list.sync_mode, null, add_preview_to_sync_list.priority, null, v_filter);
end;
$$;

comment on function tideway.add_preview_to_sync_list(text, text, text[], text[], text, integer) is
'Puts the records that a fresh preview of a mapping would create or update on the sync list, all or only those ids; returns how many.

note names columns whose values are kept in the items'' metadata. A mapping filtered by a pattern leaves its filter in filter_config.

  select tideway.add_preview_to_sync_list(''netsuite_products'', ''shopify'', note => ''{name,sku,price}'');';
