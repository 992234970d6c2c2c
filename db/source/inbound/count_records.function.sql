create or replace function tideway_private.count_records(run tideway.sync_runs, total integer, result jsonb)
returns void
language sql
volatile
set search_path = ''
as $$
  update tideway.sync_runs r
     set rows_processed = r.rows_processed + total,
         rows_created = r.rows_created + coalesce((result ->> 'created')::bigint, 0),
         rows_updated = r.rows_updated + coalesce((result ->> 'updated')::bigint, 0),
         rows_deleted = r.rows_deleted + coalesce((result ->> 'deleted')::bigint, 0),
         rows_failed = r.rows_failed + coalesce((result ->> 'failed')::bigint, 0),
         rows_held = r.rows_held + coalesce((result ->> 'held')::bigint, 0),
         rows_skipped = r.rows_skipped + total - coalesce((result ->> 'created')::bigint, 0) - coalesce((result ->> 'updated')::bigint, 0)
                        - coalesce((result ->> 'deleted')::bigint, 0) - coalesce((result ->> 'failed')::bigint, 0),
         -- The first ten thousand can be looked through; the counts go on.
         changes = case when not r.dry_run then null
                        when pg_catalog.jsonb_array_length(r.changes) >= 10000 then r.changes
                        else coalesce(r.changes, '[]') || coalesce(result -> 'changes', '[]') end,
         heartbeat_at = pg_catalog.clock_timestamp()
   where r.id = run.id
$$;

comment on function tideway_private.count_records(tideway.sync_runs, integer, jsonb) is
  'Adds a page to the counts of its run.';
