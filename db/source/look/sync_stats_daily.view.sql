create or replace view tideway.sync_stats_daily with (security_invoker = true) as
with hours as (
  select h.hour, h.org_id, h.runs, h.succeeded, h.partial, h.failed, h.records, h.errors, h.retries, h.timed, h.duration_ms, h.min_ms, h.max_ms, h.histogram
    from tideway_private.hourly_counts h
   where h.mapping_id is null
     and h.entity_type is null
     and h.hour < (select k.counted_until from tideway_private.housekeeping k)
     and h.hour > now() - interval '90 days'
  union all
  select c.hour, c.org_id, c.runs, c.succeeded, c.partial, c.failed, c.records, c.errors, c.retries, c.timed, c.duration_ms, c.min_ms, c.max_ms, c.histogram
    from tideway_private.count_log((select k.counted_until from tideway_private.housekeeping k), 'infinity') c
   where c.mapping_id is null
     and c.entity_type is null
), days as (
  select (h.hour at time zone 'UTC')::date as day, h.org_id, sum(h.runs) as runs, sum(h.succeeded) as succeeded, sum(h.partial) as partial,
         sum(h.failed) as failed, sum(h.records) as records, sum(h.errors) as errors, sum(h.retries) as retries, sum(h.timed) as timed,
         sum(h.duration_ms) as duration_ms, min(h.min_ms) as min_ms, max(h.max_ms) as max_ms
    from hours h
   group by 1, 2
), buckets as (
  select (h.hour at time zone 'UTC')::date as day, h.org_id, b.nr, sum(b.amount) as amount
    from hours h
    cross join lateral unnest(h.histogram) with ordinality as b (amount, nr)
   group by 1, 2, 3
), histograms as (
  select b.day, b.org_id, array_agg(b.amount order by b.nr) as histogram
    from buckets b
   group by 1, 2
)
select d.day, d.org_id, d.runs as total_syncs, d.succeeded as success_count, d.partial as partial_count, d.failed as failed_count,
       d.partial + d.failed as error_count, round(100.0 * d.succeeded / nullif(d.runs, 0), 2) as success_rate_pct,
       d.records, d.errors as failed_records, d.retries, round(d.duration_ms / nullif(d.timed, 0))::bigint as avg_ms, d.min_ms, d.max_ms,
       tideway_private.percentile(h.histogram, 0.5, d.max_ms) as p50_ms, tideway_private.percentile(h.histogram, 0.95, d.max_ms) as p95_ms
  from days d
  left join histograms h on h.day = d.day and h.org_id = d.org_id
 order by d.day desc, d.org_id;

comment on view tideway.sync_stats_daily is
'How did each day go? One row per day (UTC) of the last ninety; the percentiles are read from a histogram, so they are near, not exact.

  select day, total_syncs, success_rate_pct, p95_ms from tideway.sync_stats_daily limit 30;';
comment on column tideway.sync_stats_daily.day is 'The day in UTC.';
comment on column tideway.sync_stats_daily.org_id is 'The organisation.';
comment on column tideway.sync_stats_daily.total_syncs is 'Log rows that ended: runs, batches, webhook deliveries and failed records.';
comment on column tideway.sync_stats_daily.success_count is 'Those that completed.';
comment on column tideway.sync_stats_daily.partial_count is 'Those that completed with errors.';
comment on column tideway.sync_stats_daily.failed_count is 'Those that failed or timed out.';
comment on column tideway.sync_stats_daily.error_count is 'Those that did not complete cleanly: partial and failed.';
comment on column tideway.sync_stats_daily.success_rate_pct is 'Completed in percent of all; null when there were none.';
comment on column tideway.sync_stats_daily.records is 'Records that they covered.';
comment on column tideway.sync_stats_daily.failed_records is 'Rows that stand for one failed record.';
comment on column tideway.sync_stats_daily.retries is 'Rows whose attempt was not the first.';
comment on column tideway.sync_stats_daily.avg_ms is 'Average duration of what completed, in milliseconds.';
comment on column tideway.sync_stats_daily.min_ms is 'Shortest duration.';
comment on column tideway.sync_stats_daily.max_ms is 'Longest duration.';
comment on column tideway.sync_stats_daily.p50_ms is 'Half of them took at most this long.';
comment on column tideway.sync_stats_daily.p95_ms is '95 percent of them took at most this long.';
