create or replace function tideway.kpi_report(days integer default 7)
returns table (kpi text, value numeric, unit text, target text, state text)
language sql
stable
set search_path = ''
as $$
  with since as (
    select now() - make_interval(days => greatest(coalesce(kpi_report.days, 7), 1)) as at
  ), hours as (
    select s.total_syncs, s.success_count, s.failed_records, s.records, s.avg_ms, s.success_count + s.partial_count as timed
      from tideway.sync_stats s, since
     where s.hour >= since.at
  ), totals as (
    select 100.0 * sum(h.success_count) / nullif(sum(h.total_syncs - h.failed_records), 0) as success,
           sum(h.avg_ms * h.timed) / nullif(sum(h.timed) filter (where h.avg_ms is not null), 0) / 1000 as seconds,
           100.0 * sum(h.failed_records) / nullif(sum(h.records) + sum(h.failed_records), 0) as errors
      from hours h
  ), sweeps as (
    select 100.0 * count(*) filter (where r.status in ('completed', 'completed_with_errors')) / nullif(count(*), 0) as success
      from tideway.sync_runs r, since
     where r.kind = 'sweep' and r.started_at >= since.at and r.completed_at is not null
  )
  select k.kpi, round(k.value, 2), k.unit, k.target,
         case when k.value is null then 'unknown' when k.reached then 'reached' when k.alarming then 'alarming' else 'missed' end
    from totals t
    cross join sweeps s
    cross join lateral (values
      (1, 'sync success rate', t.success, '%', '> 95', t.success > 95, t.success < 90),
      (2, 'average sync duration', t.seconds, 's', '< 2', t.seconds < 2, t.seconds > 5),
      (3, 'cache hit rate', null, '%', '> 70', null, null),
      (4, 'error rate', t.errors, '%', '< 5', t.errors < 5, t.errors > 10),
      (5, 'nightly sync success', s.success, '%', '= 100', s.success = 100, s.success < 50)
    ) as k (nr, kpi, value, unit, target, reached, alarming)
   order by k.nr
$$;

comment on function tideway.kpi_report(integer) is
'The five figures to watch each week, with target and state (reached, missed, alarming, unknown), over the last days.

The success rate is of runs, batches and webhook deliveries; a record that fails counts in the error rate.
The cache hit rate is known to each daemon only: see its /metrics, or GET /read/cache-stats.

  select * from tideway.kpi_report(7);';
