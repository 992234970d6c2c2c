create or replace function tideway_private.put_on_list(
  item_type        text,
  source_platform  text,
  target_platform  text,
  items            jsonb,
  sync_mode        text,
  schedule         text,
  priority         integer,
  fields           text[],
  filter_config    jsonb
)
returns integer
language sql
volatile
set search_path = ''
as $$
  with added as (
    insert into tideway.sync_list as s
      (item_type, source_platform, target_platform, source_id, sync_mode, schedule, priority, fields, filter_config, metadata)
    select put_on_list.item_type, put_on_list.source_platform, put_on_list.target_platform, i.source_id, put_on_list.sync_mode,
           put_on_list.schedule, put_on_list.priority, put_on_list.fields, put_on_list.filter_config, coalesce(i.metadata, '{}')
      from (select distinct on (x.source_id) x.source_id, x.metadata
              from jsonb_to_recordset(put_on_list.items) as x (source_id text, metadata jsonb)
             order by x.source_id) i
     order by i.source_id
    on conflict on constraint sync_list_item_once do update
       set is_active = true, sync_mode = excluded.sync_mode, schedule = excluded.schedule, priority = excluded.priority, fields = excluded.fields,
           filter_config = coalesce(excluded.filter_config, s.filter_config), metadata = s.metadata || excluded.metadata
    returning 1
  )
  select count(*)::integer from added
$$;

comment on function tideway_private.put_on_list(text, text, text, jsonb, text, text, integer, text[], jsonb) is
  'Puts items on the sync list, a list of {source_id, metadata}, or back to work when they are there; returns how many.';
