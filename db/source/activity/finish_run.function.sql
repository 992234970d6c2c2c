create or replace function tideway_private.finish_run(run uuid, status text default null, report jsonb default null)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
begin
  update tideway.sync_runs r
     set status = case
           when coalesce(finish_run.status, 'completed') <> 'completed' then finish_run.status
           when r.rows_failed > 0 then 'completed_with_errors'
           else 'completed'
         end,
         report = coalesce(r.report, '{}') || coalesce(finish_run.report, '{}'),
         errors = coalesce(finish_run.report -> 'errors', r.errors),
         heartbeat_at = clock_timestamp(),
         completed_at = clock_timestamp()
   where r.id = finish_run.run
     and r.status in ('pending', 'running');
  return found;
end;
$$;

comment on function tideway_private.finish_run(uuid, text, jsonb) is
'Ends a run and its progress row, which writes one row into the log; false when it had ended before.

Without a status it is completed, or completed_with_errors when rows failed. report -> error is the sentence that the log shows.';
