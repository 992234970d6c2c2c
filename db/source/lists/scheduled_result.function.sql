create or replace function tideway_private.scheduled_result(runs uuid[])
returns jsonb
language sql
stable
set search_path = ''
as $$
  with run as (
    select r.*, pg_catalog.jsonb_array_length(r.metadata -> 'sync_list_ids') as items
      from tideway.sync_runs over_all
     cross join pg_catalog.jsonb_array_elements_text(over_all.metadata -> 'runs') as part (id)
      join tideway.sync_runs r on r.id = part.id::uuid
     where over_all.id = any (scheduled_result.runs)
  )
  select pg_catalog.jsonb_build_object(
           'totalUsers', count(*),
           'totalItems', coalesce(sum(run.items), 0),
           'itemsProcessed', coalesce(sum(run.rows_processed), 0),
           'itemsSucceeded', coalesce(sum(run.rows_processed - run.rows_failed), 0),
           'itemsFailed', coalesce(sum(run.rows_failed), 0),
           'duration', coalesce((extract(epoch from max(coalesce(run.completed_at, pg_catalog.clock_timestamp())) - min(run.started_at)) * 1000)::bigint, 0),
           'userResults', coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
             'userId', run.triggered_by, 'syncHistoryId', run.id, 'status', run.status,
             'itemsProcessed', run.rows_processed, 'itemsSucceeded', run.rows_processed - run.rows_failed, 'itemsFailed', run.rows_failed,
             'errors', (select coalesce(pg_catalog.jsonb_agg(pg_catalog.concat_ws(': ', coalesce(s.metadata ->> 'name', s.source_id, e.value ->> 'item'), e.value ->> 'message') order by e.ordinality), '[]')
                          from pg_catalog.jsonb_array_elements(run.errors) with ordinality as e
                          left join tideway.sync_list s on s.id::text = e.value ->> 'item')) order by run.triggered_by nulls first, run.id), '[]'))
    from run
$$;

comment on function tideway_private.scheduled_result(uuid[]) is
  'The results of scheduled syncs together, named by their runs over all; one part for each person.';
