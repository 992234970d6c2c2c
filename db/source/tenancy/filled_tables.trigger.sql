do $$
declare
  v_table text;
begin
  foreach v_table in array array['connections', 'mappings', 'saved_search_patterns', 'sync_list', 'sync_progress',
                                 'sync_activity_log', 'sync_preview_cache', 'sync_errors'] loop
    execute format('create or replace trigger _050_check_org before insert or update of org_id on tideway.%I
                    for each row execute function tideway_private.tg__check_org()', v_table);
  end loop;
end;
$$;
