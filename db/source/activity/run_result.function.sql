create or replace function tideway_private.run_result(run uuid)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select pg_catalog.jsonb_build_object(
           'success', r.status in ('completed', 'completed_with_errors'),
           'sync_run_id', r.id, 'mapping', m.name, 'kind', r.kind, 'trigger', r.trigger, 'status', r.status, 'dry_run', r.dry_run,
           'started_at', r.started_at, 'completed_at', r.completed_at, 'error', r.report ->> 'error',
           'stats', pg_catalog.jsonb_build_object(
             'rows_processed', r.rows_processed, 'rows_created', r.rows_created, 'rows_updated', r.rows_updated,
             'rows_skipped', r.rows_skipped, 'rows_deleted', r.rows_deleted, 'rows_failed', r.rows_failed, 'rows_held', r.rows_held,
             'errors', e.errors))
         || case when r.dry_run then pg_catalog.jsonb_build_object('changes', (
              select coalesce(pg_catalog.jsonb_agg(c.change - 'op' || pg_catalog.jsonb_build_object('type', c.change -> 'op', 'entity', m.local_name) order by c.n), '[]')
                from pg_catalog.jsonb_array_elements(r.changes) with ordinality as c (change, n)
               where c.change ->> 'op' <> 'error')) else '{}' end
    from tideway.sync_runs r
    left join tideway.mappings m on m.id = r.mapping_id
   cross join lateral (
      select coalesce(pg_catalog.jsonb_agg(x.error order by x.n), '[]') as errors
        from (select pg_catalog.row_number() over (order by s.last_seen_at, s.id) as n,
                     pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('row', s."row", 'column', s."column", 'error', s.message, 'severity', s.severity,
                       'code', s.code, 'key', coalesce(s.local_key, s.remote_id), 'id', s.id)) as error
                from (select * from tideway.sync_errors s where s.run_id = r.id order by s.last_seen_at, s.id limit 100) s
              union all
              -- A dry run opens no errors, and a list's are those of its items.
              select 100 + k.n, pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('row', k.e -> 'row', 'column', k.e -> 'column', 'error', k.e -> 'message',
                       'severity', coalesce(k.e ->> 'severity', 'error'), 'code', k.e -> 'code', 'key', coalesce(k.e -> 'local_key', k.e -> 'remote_id', k.e -> 'item')))
                from (select d.e, d.n from pg_catalog.jsonb_array_elements(r.changes) with ordinality as d (e, n) where d.e ->> 'op' = 'error'
                      union all
                      select d.e, d.n from pg_catalog.jsonb_array_elements(r.errors) with ordinality as d (e, n) where d.e ? 'item') k) x) e
   where r.id = run_result.run
$$;

comment on function tideway_private.run_result(uuid) is
  'A run as the HTTP door shows it: stats with the errors of its rows, and on a dry run what it would have changed.';
