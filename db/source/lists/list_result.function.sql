create or replace function tideway_private.list_result(run uuid)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select pg_catalog.jsonb_build_object(
           'syncHistoryId', r.id,
           'status', case r.status when 'completed_with_errors' then 'partial_success' else r.status end,
           'itemsProcessed', r.rows_processed, 'itemsCreated', r.rows_created, 'itemsUpdated', r.rows_updated, 'itemsFailed', r.rows_failed,
           'duration', (extract(epoch from coalesce(r.completed_at, pg_catalog.clock_timestamp()) - r.started_at) * 1000)::bigint,
           'errors', (select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('itemId', e.value -> 'item', 'error', e.value -> 'message') order by e.ordinality), '[]')
                        from pg_catalog.jsonb_array_elements(r.errors) with ordinality as e))
    from tideway.sync_runs r
   where r.id = list_result.run
$$;

comment on function tideway_private.list_result(uuid) is
  'The result of a sync of list items, as requesters of delta-sync read it.';
