create or replace function tideway_private.finish_read(run uuid, epoch bigint, status text default null, report jsonb default null)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_run  tideway.sync_runs;
begin
  select r.* into v_run from tideway.sync_runs r where r.id = finish_read.run for no key update;
  -- Another owner may have taken it up: what the one before says of it counts no more.
  if not found or v_run.status <> 'running' or v_run.epoch is distinct from finish_read.epoch then
    return null;
  end if;
  -- An interrupted read is taken up at its last page; any other one has ended for good.
  if finish_read.status is distinct from 'interrupted' then
    delete from tideway_private.seen_pages s where s.run_id = v_run.id;
    delete from tideway_private.cursors c where c.run_id = v_run.id and c.kind = 'whole';
  end if;
  if v_run.kind = 'sweep' and finish_read.status is null then
    report := coalesce(report, '{}') || jsonb_build_object(
      'checked', v_run.rows_processed, 'equal', v_run.rows_skipped,
      'repaired_here', v_run.rows_created + v_run.rows_updated + v_run.rows_deleted, 'repaired_there', v_run.rows_pushed,
      'held', v_run.rows_held, 'failed', v_run.rows_failed);
  end if;
  if v_run.kind = 'preview' and finish_read.status is null then
    perform tideway_private.store_preview(m.number, tideway_private.preview_of(v_run), v_run.id, v_run.triggered_by)
       from tideway.mappings m where m.id = v_run.mapping_id;
  end if;
  perform tideway_private.finish_run(v_run.id, finish_read.status, report);
  return (select to_jsonb(x) from (select r.status, r.rows_processed as read, r.rows_created as created, r.rows_updated as updated,
                                          r.rows_deleted as deleted, r.rows_failed as failed, r.rows_held as held, r.rows_pushed as pushed
                                     from tideway.sync_runs r where r.id = v_run.id) as x);
end;
$$;

comment on function tideway_private.finish_read(uuid, bigint, text, jsonb) is
  'Ends a run that reads, unless another owner has taken it up; a sweep gets its report: checked, equal, repaired here and there, held. Returns the counts for the log.';
