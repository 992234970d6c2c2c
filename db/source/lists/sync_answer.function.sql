create or replace function tideway.sync_answer(run uuid)
returns jsonb
language sql
stable
set search_path = ''
as $$
  with asked as (
    select r.*, coalesce(array(select x::uuid from jsonb_array_elements_text(r.metadata -> 'runs') x), '{}') as parts,
           (extract(epoch from coalesce(r.completed_at, clock_timestamp()) - r.started_at) * 1000)::bigint as duration
      from tideway.sync_runs r
     where r.id = sync_answer.run
  ), person as (
    select c.*, coalesce(e.errors, '[]') as told
      from asked a
      join tideway.sync_runs c on c.id = any (a.parts)
      left join lateral (
        select jsonb_agg(concat(coalesce(s.metadata ->> 'name', s.source_id, x.error ->> 'item'), ': ', x.error ->> 'message')) as errors
          from jsonb_array_elements(c.errors) as x (error)
          left join tideway.sync_list s on s.id::text = x.error ->> 'item') e on true
  )
  select case when a.metadata ? 'runs' then
           jsonb_build_object(
             'totalUsers', cardinality(a.parts),
             'totalItems', (select coalesce(sum(jsonb_array_length(p.metadata -> 'sync_list_ids')), 0) from person p),
             'itemsProcessed', (select coalesce(sum(p.rows_processed), 0) from person p),
             'itemsSucceeded', (select coalesce(sum(p.rows_processed - p.rows_failed), 0) from person p),
             'itemsFailed', (select coalesce(sum(p.rows_failed), 0) from person p),
             'duration', a.duration,
             'userResults', (
               select coalesce(jsonb_agg(jsonb_build_object(
                        'userId', p.triggered_by, 'itemsProcessed', p.rows_processed, 'itemsSucceeded', p.rows_processed - p.rows_failed,
                        'itemsFailed', p.rows_failed, 'errors', p.told) order by p.triggered_by), '[]')
                 from person p))
         else
           jsonb_build_object(
             'syncHistoryId', a.id,
             'status', case a.status when 'pending' then 'running' when 'running' then 'running' when 'completed' then 'completed'
                                     when 'completed_with_errors' then 'partial_success' else 'failed' end,
             'itemsProcessed', a.rows_processed, 'itemsCreated', a.rows_created, 'itemsUpdated', a.rows_updated, 'itemsFailed', a.rows_failed,
             'duration', a.duration,
             'errors', (select coalesce(jsonb_agg(jsonb_build_object('itemId', x.error ->> 'item', 'error', x.error ->> 'message')), '[]')
                          from jsonb_array_elements(a.errors) as x (error)))
         end
    from asked a
$$;

comment on function tideway.sync_answer(uuid) is
'The answer to a run of the sync list as delta-sync and scheduled-sync give it, with what is known so far; null for an unknown run.

  select tideway.sync_answer(''0197c0de-0000-7000-8000-000000000000'');';
