create or replace function tideway_private.finish_list_part(request bigint, run uuid, results jsonb, read_at timestamptz default null)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  -- Two owners that end their parts at once take turns: the second one sees that nothing is left.
  perform from tideway.sync_runs r where r.id = finish_list_part.run for no key update;
  perform tideway_private.finish_list_items(results, coalesce(read_at, clock_timestamp()));
  perform tideway_private.advance_run(run, (
    select jsonb_build_object(
             'processed', count(*), 'skipped', count(*) filter (where (x ->> 'skipped')::boolean),
             'created', count(*) filter (where x ->> 'status' = 'success' and (x ->> 'created')::boolean),
             'updated', count(*) filter (where x ->> 'status' = 'success' and not (x ->> 'created')::boolean and not coalesce((x ->> 'skipped')::boolean, false)),
             'failed', count(*) filter (where x ->> 'status' = 'failed'),
             'errors', coalesce(jsonb_agg(jsonb_build_object('item', x -> 'id', 'message', x -> 'error')) filter (where x ->> 'status' = 'failed'), '[]'))
      from jsonb_array_elements(results) x));
  perform tideway_private.finish_request(request);
  if not exists (select from tideway_private.requests r where r.run_id = finish_list_part.run) then
    perform tideway_private.finish_run(run);
    perform tideway_private.finish_scheduled_sync((select (r.metadata ->> 'part_of')::uuid from tideway.sync_runs r where r.id = finish_list_part.run));
  end if;
end;
$$;

comment on function tideway_private.finish_list_part(bigint, uuid, jsonb, timestamptz) is
  'Writes the results of one part of a list sync; the last part ends the run. What changes in the source after read_at is not synced yet.';
