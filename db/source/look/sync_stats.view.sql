create or replace view tideway.sync_stats with (security_invoker = true) as
select h.hour, h.org_id, h.runs as total_syncs, h.succeeded as success_count, h.partial as partial_count, h.failed as failed_count,
       h.partial + h.failed as error_count, round(100.0 * h.succeeded / nullif(h.runs, 0), 2) as success_rate_pct,
       h.records, h.errors as failed_records, h.retries, round(h.duration_ms::numeric / nullif(h.timed, 0))::bigint as avg_ms,
       h.min_ms, h.max_ms, h.p50_ms, h.p95_ms
  from tideway_private.hourly_counts h
 where h.mapping_id is null
   and h.entity_type is null
   and h.hour < (select k.counted_until from tideway_private.housekeeping k)
union all
select c.hour, c.org_id, c.runs as total_syncs, c.succeeded as success_count, c.partial as partial_count, c.failed as failed_count,
       c.partial + c.failed as error_count, round(100.0 * c.succeeded / nullif(c.runs, 0), 2) as success_rate_pct,
       c.records, c.errors as failed_records, c.retries, round(c.duration_ms::numeric / nullif(c.timed, 0))::bigint as avg_ms,
       c.min_ms, c.max_ms, c.p50_ms, c.p95_ms
  from tideway_private.count_log((select k.counted_until from tideway_private.housekeeping k), 'infinity') c
 where c.mapping_id is null
   and c.entity_type is null;

comment on view tideway.sync_stats is
'How did each hour go? One row per hour with any activity (and per organisation, for those who see several), so that 24 rows are a day at work.

Closed hours were counted by maintain(); the present one is counted live.

  select * from tideway.sync_stats where hour > now() - interval ''24 hours'' order by hour desc;';
comment on column tideway.sync_stats.hour is 'The hour, by its beginning.';
comment on column tideway.sync_stats.org_id is 'The organisation.';
comment on column tideway.sync_stats.total_syncs is 'Log rows that ended: runs, batches, webhook deliveries and failed records.';
comment on column tideway.sync_stats.success_count is 'Those that completed.';
comment on column tideway.sync_stats.partial_count is 'Those that completed with errors.';
comment on column tideway.sync_stats.failed_count is 'Those that failed or timed out.';
comment on column tideway.sync_stats.error_count is 'Those that did not complete cleanly: partial and failed.';
comment on column tideway.sync_stats.success_rate_pct is 'Completed in percent of all; null when there were none.';
comment on column tideway.sync_stats.records is 'Records that they covered.';
comment on column tideway.sync_stats.failed_records is 'Rows that stand for one failed record.';
comment on column tideway.sync_stats.retries is 'Rows whose attempt was not the first.';
comment on column tideway.sync_stats.avg_ms is 'Average duration of what completed, in milliseconds.';
comment on column tideway.sync_stats.min_ms is 'Shortest duration.';
comment on column tideway.sync_stats.max_ms is 'Longest duration.';
comment on column tideway.sync_stats.p50_ms is 'Half of them took at most this long.';
comment on column tideway.sync_stats.p95_ms is '95 percent of them took at most this long.';
