create or replace function tideway_private.ask_scheduled_list(org_id text)
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
    select s.user_id, jsonb_agg(s.id order by s.priority desc, s.id) as ids
      from tideway.sync_list s
     where s.is_active and s.org_id = ask_scheduled_list.org_id
       -- What an unfinished run names is synced by that one.
       and not exists (select from tideway_private.requests q
                        where q.kind = 'delta_sync' and q.org_id = s.org_id and q.args -> 'ids' ? s.id::text)
     group by s.user_id
     order by s.user_id
  loop
    insert into tideway.sync_runs (org_id, kind, trigger, status, triggered_by, metadata)
    values (ask_scheduled_list.org_id, 'delta', 'scheduled', 'pending', v_group.user_id,
            jsonb_build_object('sync_list_ids', v_group.ids, 'part_of', v_run))
    returning id into v_child;
    insert into tideway_private.requests (org_id, kind, args, run_id, requested_by)
    values (ask_scheduled_list.org_id, 'delta_sync', jsonb_build_object('ids', v_group.ids), v_child,
            coalesce(tideway.current_user_id(), current_user));
    v_runs := v_runs || v_child;
  end loop;
  insert into tideway.sync_runs (id, org_id, kind, trigger, status, completed_at, metadata)
  select v_run, ask_scheduled_list.org_id, 'delta', 'scheduled', case when v_runs = '{}' then 'completed' else 'running' end,
         case when v_runs = '{}' then clock_timestamp() end, jsonb_build_object('runs', to_jsonb(v_runs));
  perform pg_notify('tideway_requests', '');
  return v_run;
end;
$$;

comment on function tideway_private.ask_scheduled_list(text) is
  'Starts a sync of every active list item of an organisation that the caller may see: a run for each person, and one over all, whose id is returned.';
