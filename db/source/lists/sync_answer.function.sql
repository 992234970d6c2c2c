create or replace function tideway.sync_answer(run uuid)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select case when r.metadata ? 'runs' then
           tideway_private.scheduled_result(array[r.id])
         else
           jsonb_build_object(
             'syncHistoryId', r.id,
             'status', case r.status when 'pending' then 'running' when 'running' then 'running' when 'completed' then 'completed'
                                     when 'completed_with_errors' then 'partial_success' else 'failed' end,
             'itemsProcessed', r.rows_processed, 'itemsCreated', r.rows_created, 'itemsUpdated', r.rows_updated, 'itemsFailed', r.rows_failed,
             'duration', (extract(epoch from coalesce(r.completed_at, clock_timestamp()) - r.started_at) * 1000)::bigint,
             'errors', (select coalesce(jsonb_agg(jsonb_build_object('itemId', x.error ->> 'item', 'error', x.error ->> 'message')), '[]')
                          from jsonb_array_elements(r.errors) as x (error)))
         end
    from tideway.sync_runs r
   where r.id = sync_answer.run
$$;

comment on function tideway.sync_answer(uuid) is
'The answer to a run of the sync list as delta-sync and scheduled-sync give it, with what is known so far; null for an unknown run.

  select tideway.sync_answer(''0197c0de-0000-7000-8000-000000000000'');';
