create or replace function tideway.add_to_sync_list(
  item_type        text,
  source_platform  text,
  target_platform  text,
  source_ids       text[],
  sync_mode        text default 'delta',
  schedule         text default null,
  priority         integer default 0,
  fields           text[] default null,
  filter_config    jsonb default null,
  metadata         jsonb default '{}'
)
returns integer
language sql
volatile
set search_path = ''
as $$
  select tideway_private.put_on_list(
    add_to_sync_list.item_type, add_to_sync_list.source_platform, add_to_sync_list.target_platform,
    coalesce((select jsonb_agg(jsonb_build_object('source_id', i, 'metadata', add_to_sync_list.metadata)) from unnest(add_to_sync_list.source_ids) i), '[]'),
    add_to_sync_list.sync_mode, add_to_sync_list.schedule, add_to_sync_list.priority, add_to_sync_list.fields, add_to_sync_list.filter_config)
$$;

comment on function tideway.add_to_sync_list(text, text, text, text[], text, text, integer, text[], jsonb, jsonb) is
'Puts items on the sync list, or back to work when they are there; returns how many.

  select tideway.add_to_sync_list(''product'', ''netsuite'', ''shopify'', array[''1001'', ''1002'']);';
