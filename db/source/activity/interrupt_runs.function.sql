create or replace function tideway_private.interrupt_runs(now timestamptz default now())
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_run    uuid;
  v_count  integer := 0;
begin
  for v_run in
    select r.id
      from tideway.sync_runs r
      left join tideway.connections c on c.id = r.connection_id
      left join tideway_private.leases l on l.connection = c.number
     where r.status = 'running'
       and case
             when r.epoch is null then r.heartbeat_at < interrupt_runs.now - interval '1 hour'
             when r.connection_id is null then r.heartbeat_at < interrupt_runs.now - interval '10 minutes'
             else l.epoch is distinct from r.epoch or l.expires_at < interrupt_runs.now
           end
     order by r.id
       for no key update of r skip locked
  loop
    if tideway_private.finish_run(v_run, 'interrupted', '{"error": "The owner of the connection is gone."}') then
      v_count := v_count + 1;
    end if;
  end loop;
  return v_count;
end;
$$;

comment on function tideway_private.interrupt_runs(timestamptz) is
'Ends the running runs whose owner is gone: the connection''s lease ran out or passed to somebody else. Returns how many.

A run without a connection counts as dead after ten minutes without a sign of life, one without an owner after an hour.';
