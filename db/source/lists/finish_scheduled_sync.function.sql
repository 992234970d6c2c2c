create or replace function tideway_private.finish_scheduled_sync(run uuid)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_runs  uuid[];
begin
  -- Parts that end at once take turns: the last one sees that all have ended.
  select array(select x::uuid from jsonb_array_elements_text(r.metadata -> 'runs') x) into v_runs
    from tideway.sync_runs r
   where r.id = finish_scheduled_sync.run and r.status = 'running' and r.metadata ? 'runs'
     for no key update;
  if not found or exists (select from tideway.sync_runs c where c.id = any (v_runs) and c.completed_at is null) then
    return false;
  end if;
  perform tideway_private.advance_run(run, (
    select jsonb_build_object('processed', coalesce(sum(c.rows_processed), 0), 'created', coalesce(sum(c.rows_created), 0),
                              'updated', coalesce(sum(c.rows_updated), 0), 'skipped', coalesce(sum(c.rows_skipped), 0),
                              'failed', coalesce(sum(c.rows_failed), 0))
      from tideway.sync_runs c where c.id = any (v_runs)));
  return tideway_private.finish_run(run);
end;
$$;

comment on function tideway_private.finish_scheduled_sync(uuid) is
  'Ends a run over several people''s lists once each of theirs has ended, with the sum of their counts; false before that.';
