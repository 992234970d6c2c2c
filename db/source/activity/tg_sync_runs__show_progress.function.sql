create or replace function tideway_private.tg_sync_runs__show_progress()
returns trigger
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_done    bigint := greatest(new.rows_processed - new.rows_failed, 0);
  -- A total is what the app announced; the rows that came are the truth.
  v_total   bigint := case when new.total_items is not null then greatest(new.total_items, v_done + new.rows_failed) end;
  v_status  text := case new.status when 'cancelled' then 'interrupted' else new.status end;
begin
  if new.status = 'pending' then
    return null;
  end if;

  update tideway.sync_progress p
     set status = v_status,
         processed_count = v_done,
         failed_count = new.rows_failed,
         current_item = new.rows_processed,
         total_items = v_total,
         completed_at = new.completed_at
   where p.org_id = new.org_id
     and p.sync_id = new.id::text;
  if found then
    return null;
  end if;

  insert into tideway.sync_progress
    (org_id, sync_id, run_id, entity_type, source_system, status, total_items, processed_count, failed_count, current_item,
     initiated_by, started_at, completed_at, metadata)
  select new.org_id, new.id::text, new.id, coalesce(m.item_type, m.name, new.metadata ->> 'item_type', new.kind), c.system,
         v_status, v_total, v_done, new.rows_failed, new.rows_processed, new.triggered_by, new.started_at, new.completed_at, new.metadata
    from (select) as one
    left join tideway.mappings m on m.id = new.mapping_id
    left join tideway.connections c on c.id = new.connection_id;
  return null;
end;
$$;

comment on function tideway_private.tg_sync_runs__show_progress() is
  'Keeps one row of sync_progress in step with a run: sync_id is the run''s id.';
