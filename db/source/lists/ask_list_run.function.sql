create or replace function tideway_private.ask_list_run(ids uuid[])
returns integer
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_group  record;
  v_run    uuid;
  v_count  integer := 0;
begin
  -- A run for each person, so that its totals are theirs.
  for v_group in
    with due as (
      select s.id, s.org_id, s.user_id
        from tideway.sync_list s
       where s.id = any (ids) and s.is_active and s.last_sync_status is distinct from 'pending'
       order by s.id
         for no key update skip locked
    )
    select d.org_id, d.user_id, array_agg(d.id) as ids from due d group by d.org_id, d.user_id order by d.org_id, d.user_id
  loop
    insert into tideway.sync_runs (org_id, kind, trigger, status, triggered_by, metadata)
    values (v_group.org_id, 'delta', 'scheduled', 'pending', v_group.user_id, jsonb_build_object('sync_list_ids', to_jsonb(v_group.ids)))
    returning id into v_run;
    insert into tideway_private.requests (org_id, kind, args, run_id, requested_by)
    values (v_group.org_id, 'delta_sync', jsonb_build_object('ids', to_jsonb(v_group.ids)), v_run, v_group.user_id);
    perform tideway_private.finish_list_items((select jsonb_agg(jsonb_build_object('id', i, 'status', 'pending')) from unnest(v_group.ids) i));
    v_count := v_count + 1;
  end loop;
  return v_count;
end;
$$;

comment on function tideway_private.ask_list_run(uuid[]) is
  'Starts scheduled syncs of list items: one run for each person whose items are due. Returns how many.';
