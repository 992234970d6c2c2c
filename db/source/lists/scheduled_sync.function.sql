create or replace function tideway.scheduled_sync()
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_run    uuid := gen_random_uuid();
  v_child  uuid;
  v_runs   uuid[] := '{}';
  v_group  record;
begin
  for v_group in
    select s.org_id, s.user_id, jsonb_agg(s.id order by s.priority desc, s.id) as ids
      from tideway.sync_list s
     where s.is_active and s.org_id = tideway.current_org_id()
     group by s.org_id, s.user_id
     order by s.user_id
  loop
    insert into tideway.sync_runs (org_id, kind, trigger, status, triggered_by, metadata)
    values (v_group.org_id, 'delta', 'scheduled', 'pending', v_group.user_id, jsonb_build_object('sync_list_ids', v_group.ids, 'part_of', v_run))
    returning id into v_child;
    perform tideway_private.ask('delta_sync', null, null, jsonb_build_object('ids', v_group.ids), v_child);
    v_runs := v_runs || v_child;
  end loop;
  insert into tideway.sync_runs (id, org_id, kind, trigger, status, completed_at, metadata)
  select v_run, tideway.current_org_id(), 'delta', 'scheduled', case when v_runs = '{}' then 'completed' else 'running' end,
         case when v_runs = '{}' then clock_timestamp() end, jsonb_build_object('runs', to_jsonb(v_runs));
  return v_run;
end;
$$;

comment on function tideway.scheduled_sync() is
'Asks for every active item of the sync list that the caller may see to be synced, as a run for each person and one over all; returns the latter''s id at once.

tideway.sync_answer(run) tells the totals and each person''s result. For a cron job of your own; items with a schedule need none.

  select tideway.scheduled_sync();';
