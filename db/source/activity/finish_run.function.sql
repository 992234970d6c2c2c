create or replace function tideway_private.finish_run(run uuid, status text default null, report jsonb default null)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_wrong  text;
begin
  -- The function belongs to the run: what it writes and the end of the run are one commit.
  if coalesce(finish_run.status, 'completed') = 'completed'
     and exists (select from tideway.sync_runs r
                  where r.id = finish_run.run and r.status in ('pending', 'running') and not r.dry_run
                    and r.rows_created + r.rows_updated + r.rows_deleted > 0) then
    v_wrong := tideway_private.call_after_run(finish_run.run);
  end if;

  update tideway.sync_runs r
     set status = case
           when coalesce(finish_run.status, 'completed') <> 'completed' then finish_run.status
           when r.rows_failed > 0 or v_wrong is not null then 'completed_with_errors'
           else 'completed'
         end,
         report = coalesce(r.report, '{}') || coalesce(finish_run.report, '{}')
                  || case when v_wrong is null then '{}' else jsonb_build_object('error', 'after_run: ' || v_wrong) end,
         -- By the time of the errors, because that has an index.
         errors = coalesce(finish_run.report -> 'errors', r.errors, (
           select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                    'row', x."row", 'column', x."column", 'local_key', x.local_key, 'remote_id', x.remote_id,
                    'error_class', x.error_class, 'code', x.code, 'severity', x.severity, 'error', x.message)) order by x."row", x.last_seen_at)
             from (select e.* from tideway.sync_errors e
                    where e.run_id = r.id and e.resolved_at is null and e.last_seen_at >= r.started_at
                    order by e.last_seen_at
                    limit 100) x)),
         heartbeat_at = clock_timestamp(),
         completed_at = clock_timestamp()
   where r.id = finish_run.run
     and r.status in ('pending', 'running');
  return found;
end;
$$;

comment on function tideway_private.finish_run(uuid, text, jsonb) is
'Ends a run and its progress row, which writes one row into the log; false when it had ended before.

Without a status it is completed, or completed_with_errors when rows failed or after_run raised an error. report -> error is the sentence that the log shows.';
