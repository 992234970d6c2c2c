create or replace function tideway.preview(mapping text)
returns tideway.preview_result
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_mapping  tideway.mappings := tideway_private.named_mapping(preview.mapping);
  v_key      text := tideway_private.preview_key(v_mapping.number);
  v_result   tideway.preview_result;
begin
  select (p.delta_json ->> 'run_id')::uuid, p.delta_json, p.computed_at, p.expires_at
    into v_result.run_id, v_result.delta, v_result.computed_at, v_result.expires_at
    from tideway.sync_preview_cache p
   where p.org_id = v_mapping.org_id
     and p.cache_key = v_key
     and p.expires_at > now();
  if not found then
    -- Who asks again and again until the answer is there must not have the app read as often.
    select r.id into v_result.run_id
      from tideway_private.requests q
      join tideway.sync_runs r on r.id = q.run_id and r.completed_at is null
     where q.kind = 'preview' and q.mapping = v_mapping.number and q.args ->> 'key' = v_key
     order by q.id
     limit 1;
  end if;
  if v_result.run_id is null then
    v_result := row(tideway_private.pending_run(v_mapping, 'preview', dry_run => true), null, null, null);
    perform tideway_private.ask('preview', v_mapping.number, null, jsonb_build_object('key', v_key), v_result.run_id);
  end if;
  return v_result;
end;
$$;

comment on function tideway.preview(text) is
'What would a sync change? The cached answer when it is fresh (an hour): creates, updates with field differences, deletions, errors. Nothing is written.

Else the daemon is asked, once: delta is null, run_id names the run, and the same call returns the answer once that run has completed.

  select * from tideway.preview(''products'');';
