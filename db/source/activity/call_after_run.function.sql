create or replace function tideway_private.call_after_run(run uuid)
returns text
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_map    tideway.mappings;
  v_run    jsonb;
  v_call   text;
begin
  select m.* into v_map from tideway.sync_runs r join tideway.mappings m on m.id = r.mapping_id where r.id = call_after_run.run;
  if v_map.after_run is null or not tideway_private.runner_stands(v_map.run_as) then
    return null;
  end if;
  select to_jsonb(r) into v_run from tideway.sync_runs r where r.id = call_after_run.run;

  -- Two mappings may share the function: the later call has to see what the earlier one and its run have written.
  perform pg_advisory_xact_lock(tideway_private.lock_key('after run'), hashtext(split_part(v_map.after_run, '(', 1)));

  -- Stored as a function with its argument types; it runs with the rights of the mapping's role, and its error is the run's, not ours.
  v_call := case
    when v_map.after_run like '%(uuid)' then left(v_map.after_run, -6) || format('(%L::uuid)', run)
    when v_map.after_run like '%(jsonb)' then left(v_map.after_run, -7) || format('(%L::jsonb)', v_run)
    else v_map.after_run end;
  begin
    execute format('select from tideway_run.%I($1, null, null, null) r', v_map.run_as)
      using format('select null::integer, null::text, null::jsonb, null::jsonb, null::jsonb, null::boolean from (select %s) as x', v_call);
  exception when others then
    return sqlerrm;
  end;
  return null;
end;
$$;

comment on function tideway_private.call_after_run(uuid) is
  'Calls the after_run function of a run''s mapping as its role; returns the error, if it raised one.';
