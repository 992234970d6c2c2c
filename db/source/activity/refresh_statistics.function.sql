create or replace function tideway_private.refresh_statistics(now timestamptz)
returns bigint
language plpgsql
volatile
set search_path = ''
set timezone = 'UTC'
as $$
declare
  v_until  timestamptz := date_trunc('hour', refresh_statistics.now);
  v_since  timestamptz;
  v_count  bigint;
begin
  -- The last hours are counted again: a row that was logged in a long transaction appears after its hour has passed.
  select least(c.counted_until, v_until) - interval '3 hours' into v_since from tideway_private.housekeeping c;

  delete from tideway_private.hourly_counts h where h.hour >= v_since;
  insert into tideway_private.hourly_counts
    (hour, org_id, mapping_id, entity_type, runs, succeeded, partial, failed, records, errors, retries, timed,
     duration_ms, min_ms, max_ms, p50_ms, p95_ms, histogram)
  select c.hour, c.org_id, c.mapping_id, c.entity_type, c.runs, c.succeeded, c.partial, c.failed, c.records, c.errors, c.retries, c.timed,
         c.duration_ms, c.min_ms, c.max_ms, c.p50_ms, c.p95_ms, c.histogram
    from tideway_private.count_log(v_since, v_until) c;
  get diagnostics v_count = row_count;
  update tideway_private.housekeeping c set counted_until = v_until;

  insert into tideway_private.mapping_counts as c (mapping, org_id, linked, counted_at)
  select m.number, m.org_id, coalesce(l.linked, 0), refresh_statistics.now
    from tideway.mappings m
    left join (select k.mapping, count(*) as linked
                 from tideway_private.links k
                where k.local_gone_at is null and k.remote_gone_at is null
                group by k.mapping) l on l.mapping = m.number
   order by m.number
  on conflict (mapping) do update set linked = excluded.linked, counted_at = excluded.counted_at;

  delete from tideway_private.entity_speeds;
  insert into tideway_private.entity_speeds (org_id, entity_type, median, runs, counted_at)
  select p.org_id, p.entity_type, percentile_cont(0.5) within group (order by p.speed_items_per_min), count(*), refresh_statistics.now
    from tideway.sync_progress p
   where p.status in ('completed', 'completed_with_errors')
     and p.speed_items_per_min > 0
     and p.completed_at > refresh_statistics.now - interval '30 days'
   group by p.org_id, p.entity_type;

  if not pg_is_in_recovery() then
    insert into tideway_private.wal_samples (sampled_at, lsn) values (refresh_statistics.now, pg_current_wal_lsn())
    on conflict (sampled_at) do nothing;
    delete from tideway_private.wal_samples s
     where s.sampled_at < refresh_statistics.now - interval '2 days' or s.lsn > pg_current_wal_lsn();
  end if;
  return v_count;
end;
$$;

comment on function tideway_private.refresh_statistics(timestamptz) is
  'Counts the closed hours of the log, the linked rows of each mapping, the usual speed of each entity, and samples the WAL position.';
