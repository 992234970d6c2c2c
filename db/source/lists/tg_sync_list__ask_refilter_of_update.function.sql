create or replace function tideway_private.tg_sync_list__ask_refilter_of_update()
returns trigger
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform tideway_private.ask_refilter(array(
        select row(p.*)::tideway.sync_list from present p join former f on f.id = p.id
         where (p.is_active, p.item_type, p.source_platform, p.target_platform, p.source_id, p.target_id, p.source_mapping, p.target_mapping, p.fields)
               is distinct from (f.is_active, f.item_type, f.source_platform, f.target_platform, f.source_id, f.target_id, f.source_mapping, f.target_mapping, f.fields)
        union all
        select row(f.*)::tideway.sync_list from present p join former f on f.id = p.id
         where (p.item_type, p.source_platform, p.target_platform, p.source_id, p.target_id, p.source_mapping, p.target_mapping)
               is distinct from (f.item_type, f.source_platform, f.target_platform, f.source_id, f.target_id, f.source_mapping, f.target_mapping)));
  return null;
end;
$$;

comment on function tideway_private.tg_sync_list__ask_refilter_of_update() is
  'Asks that mappings which keep only listed rows look again at the rows whose item changed, as it was and as it is: one request per mapping and statement.';
