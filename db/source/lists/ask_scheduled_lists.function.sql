create or replace function tideway_private.ask_scheduled_lists(org_id text default null)
returns uuid[]
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_group  record;
  v_run    uuid;
  v_runs   uuid[] := '{}';
begin
  for v_group in
    with listed as (
      select s.id, s.org_id, s.user_id
        from tideway.sync_list s
       where s.is_active and (ask_scheduled_lists.org_id is null or s.org_id = ask_scheduled_lists.org_id)
         -- What an unfinished run names is synced by that one.
         and not exists (select from tideway_private.requests q
                          where q.kind = 'delta_sync' and q.org_id = s.org_id and q.args -> 'ids' ? s.id::text)
    )
    select l.org_id, l.user_id, array_agg(l.id order by l.id) as ids from listed l group by l.org_id, l.user_id order by l.org_id, l.user_id
  loop
    insert into tideway.sync_runs (org_id, kind, trigger, status, triggered_by, metadata)
    values (v_group.org_id, 'delta', 'scheduled', 'pending', v_group.user_id, jsonb_build_object('sync_list_ids', to_jsonb(v_group.ids)))
    returning id into v_run;
    insert into tideway_private.requests (org_id, kind, args, run_id, requested_by)
    values (v_group.org_id, 'delta_sync', jsonb_build_object('ids', to_jsonb(v_group.ids)), v_run, v_group.user_id);
    v_runs := v_runs || v_run;
  end loop;
  perform pg_notify('tideway_requests', '');
  return v_runs;
end;
$$;

comment on function tideway_private.ask_scheduled_lists(text) is
  'Starts a scheduled sync of every active list item, of one organisation or of all: one run for each person. Returns the runs.';
