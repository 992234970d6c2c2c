create or replace function tideway_private.advance_run(run uuid, counts jsonb default '{}')
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
begin
  update tideway.sync_runs r
     set rows_processed = r.rows_processed + coalesce((counts ->> 'processed')::bigint, 0),
         rows_created   = r.rows_created + coalesce((counts ->> 'created')::bigint, 0),
         rows_updated   = r.rows_updated + coalesce((counts ->> 'updated')::bigint, 0),
         rows_deleted   = r.rows_deleted + coalesce((counts ->> 'deleted')::bigint, 0),
         rows_skipped   = r.rows_skipped + coalesce((counts ->> 'skipped')::bigint, 0),
         rows_failed    = r.rows_failed + coalesce((counts ->> 'failed')::bigint, 0),
         rows_held      = r.rows_held + coalesce((counts ->> 'held')::bigint, 0),
         rows_pushed    = r.rows_pushed + coalesce((counts ->> 'pushed')::bigint, 0),
         total_items    = coalesce((counts ->> 'total')::bigint, r.total_items),
         timings        = r.timings || (
                            select coalesce(jsonb_object_agg(t.key, coalesce((r.timings ->> t.key)::numeric, 0) + t.value::numeric), '{}')
                              from jsonb_each_text(coalesce(counts -> 'timings', '{}')) t),
         -- A preview keeps some examples, not a second copy of the app; sync_errors holds every error.
         errors         = case when counts ? 'errors' and jsonb_array_length(coalesce(r.errors, '[]')) < 100
                            then coalesce(r.errors, '[]') || (counts -> 'errors') else r.errors end,
         changes        = case when counts ? 'changes' and jsonb_array_length(coalesce(r.changes, '[]')) < 1000
                            then coalesce(r.changes, '[]') || (counts -> 'changes') else r.changes end,
         heartbeat_at   = clock_timestamp()
   where r.id = advance_run.run
     and r.status = 'running';
  return found;
end;
$$;

comment on function tideway_private.advance_run(uuid, jsonb) is
'Adds counts to a running run and its progress row; false when the run is not running any more.

Keys, all optional and all added up: processed (failed ones among them), created, updated, deleted, skipped, failed, held, pushed, timings {part: ms}, errors […], changes […]; total replaces.';
