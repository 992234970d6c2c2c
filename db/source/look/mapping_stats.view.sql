create or replace view tideway.mapping_stats with (security_invoker = true) as
select h.hour, m.name as mapping, h.org_id, h.mapping_id, h.runs as total_syncs, h.succeeded as success_count, h.partial as partial_count, h.failed as failed_count,
       h.partial + h.failed as error_count, round(100.0 * h.succeeded / nullif(h.runs, 0), 2) as success_rate_pct,
       h.records, h.errors as failed_records, h.retries, round(h.duration_ms::numeric / nullif(h.timed, 0))::bigint as avg_ms,
       h.min_ms, h.max_ms, h.p50_ms, h.p95_ms
  from tideway_private.hourly_counts h
  join tideway.mappings m on m.id = h.mapping_id
 where h.hour < (select k.counted_until from tideway_private.housekeeping k)
union all
select c.hour, m.name, c.org_id, c.mapping_id, c.runs as total_syncs, c.succeeded as success_count, c.partial as partial_count, c.failed as failed_count,
       c.partial + c.failed as error_count, round(100.0 * c.succeeded / nullif(c.runs, 0), 2) as success_rate_pct,
       c.records, c.errors as failed_records, c.retries, round(c.duration_ms::numeric / nullif(c.timed, 0))::bigint as avg_ms,
       c.min_ms, c.max_ms, c.p50_ms, c.p95_ms
  from tideway_private.count_log((select k.counted_until from tideway_private.housekeeping k), 'infinity') c
  join tideway.mappings m on m.id = c.mapping_id;

comment on view tideway.mapping_stats is
'How did each mapping do, hour by hour? One row per hour and mapping.

  select * from tideway.mapping_stats where mapping = ''products'' and hour > now() - interval ''1 day'' order by hour desc;';
comment on column tideway.mapping_stats.hour is 'The hour, by its beginning.';
comment on column tideway.mapping_stats.mapping is 'The mapping.';
comment on column tideway.mapping_stats.org_id is 'The organisation.';
comment on column tideway.mapping_stats.mapping_id is 'The mapping''s id.';
comment on column tideway.mapping_stats.total_syncs is 'Log rows that ended: runs, batches, webhook deliveries and failed records.';
comment on column tideway.mapping_stats.success_count is 'Those that completed.';
comment on column tideway.mapping_stats.partial_count is 'Those that completed with errors.';
comment on column tideway.mapping_stats.failed_count is 'Those that failed or timed out.';
comment on column tideway.mapping_stats.error_count is 'Those that did not complete cleanly: partial and failed.';
comment on column tideway.mapping_stats.success_rate_pct is 'Completed in percent of all; null when there were none.';
comment on column tideway.mapping_stats.records is 'Records that they covered.';
comment on column tideway.mapping_stats.failed_records is 'Rows that stand for one failed record.';
comment on column tideway.mapping_stats.retries is 'Rows whose attempt was not the first.';
comment on column tideway.mapping_stats.avg_ms is 'Average duration of what completed, in milliseconds.';
comment on column tideway.mapping_stats.min_ms is 'Shortest duration.';
comment on column tideway.mapping_stats.max_ms is 'Longest duration.';
comment on column tideway.mapping_stats.p50_ms is 'Half of them took at most this long.';
comment on column tideway.mapping_stats.p95_ms is '95 percent of them took at most this long.';
