create or replace function tideway_private.tg_sync_progress__compute()
returns trigger
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_done     bigint := new.processed_count + new.failed_count;
  v_seconds  numeric;
begin
  if tg_op = 'INSERT' then
    new.updated_at := clock_timestamp();
  else
    new.updated_at := greatest(clock_timestamp(), old.updated_at);
    -- Who reports progress is alive, whatever was believed of the run; a raised total opens a finished one again.
    if new.status = old.status and old.completed_at is not null
       and (old.status in ('timeout', 'interrupted')
              and (new.processed_count, new.failed_count) is distinct from (old.processed_count, old.failed_count)
            or old.status in ('completed', 'completed_with_errors')
              and new.total_items > coalesce(old.total_items, 0) and v_done < new.total_items)
    then
      new.status := 'running';
    end if;
  end if;

  -- A run of the engine ends when its last page says so, not when it has seen as many rows as it expected.
  if new.status = 'running' and new.run_id is null and v_done >= new.total_items then
    new.status := 'completed';
  end if;
  if new.status = 'completed' and new.failed_count > 0 then
    new.status := 'completed_with_errors';
  end if;

  if new.status = 'running' then
    new.completed_at := null;
  else
    new.completed_at := coalesce(case when tg_op = 'UPDATE' then old.completed_at end, new.completed_at, new.updated_at);
  end if;

  v_seconds := greatest(extract(epoch from coalesce(new.completed_at, new.updated_at) - new.started_at), 0);
  new.elapsed_seconds := least(round(v_seconds), 2147483647);
  new.speed_items_per_min := case when v_seconds > 0 then least(round(v_done * 60 / v_seconds, 1), 9999999999999.9) else 0 end;
  new.eta_seconds := case
    when new.completed_at is not null then 0
    when new.total_items is null or v_done = 0 or v_seconds = 0 then null
    else least(greatest(round((new.total_items - v_done) * v_seconds / v_done), 0), 2147483647)
  end;
  return new;
end;
$$;

comment on function tideway_private.tg_sync_progress__compute() is
  'Computes elapsed time, speed, estimate, end and status of a progress row from its counts.';
