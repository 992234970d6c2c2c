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
  with added as (
    insert into tideway.sync_list as s
      (item_type, source_platform, target_platform, source_id, sync_mode, schedule, priority, fields, filter_config, metadata)
    select add_to_sync_list.item_type, add_to_sync_list.source_platform, add_to_sync_list.target_platform, i.source_id,
           add_to_sync_list.sync_mode, add_to_sync_list.schedule, add_to_sync_list.priority, add_to_sync_list.fields,
           add_to_sync_list.filter_config, coalesce(add_to_sync_list.metadata, '{}')
      from (select distinct unnest(add_to_sync_list.source_ids) as source_id) i
     order by i.source_id
    on conflict on constraint sync_list_item_once do update
       set is_active = true, sync_mode = excluded.sync_mode, schedule = excluded.schedule, priority = excluded.priority, fields = excluded.fields,
           filter_config = coalesce(excluded.filter_config, s.filter_config), metadata = s.metadata || excluded.metadata
    returning 1
  )
  select count(*)::integer from added
$$;

comment on function tideway.add_to_sync_list(text, text, text, text[], text, text, integer, text[], jsonb, jsonb) is
'Puts items on the sync list, or back to work when they are there; returns how many.

  select tideway.add_to_sync_list(''product'', ''netsuite'', ''shopify'', array[''1001'', ''1002'']);';
