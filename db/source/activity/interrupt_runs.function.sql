create or replace function tideway_private.interrupt_runs(now timestamptz default now())
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_id     uuid;
  v_run    tideway.sync_runs;
  v_count  integer := 0;
begin
  for v_id in
    select r.id from tideway.sync_runs r where r.status = 'running' and tideway_private.is_orphaned(r, interrupt_runs.now) order by r.id
  loop
    -- Looked at again under its lock: the next owner may have taken it up meanwhile, with a lease that the first look did not see.
    select r.* into v_run from tideway.sync_runs r where r.id = v_id for no key update skip locked;
    continue when v_run.id is null or not tideway_private.is_orphaned(v_run, interrupt_runs.now);
    if tideway_private.finish_run(v_id, 'interrupted', '{"error": "The owner of the connection is gone."}') then
      v_count := v_count + 1;
    end if;
  end loop;
  return v_count;
end;
$$;

comment on function tideway_private.interrupt_runs(timestamptz) is
  'Ends the running runs whose owner is gone, and returns how many.';
