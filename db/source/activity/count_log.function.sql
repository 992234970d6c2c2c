create or replace function tideway_private.count_log(since timestamptz, until timestamptz)
returns table (
  hour timestamptz, org_id text, mapping_id uuid, entity_type text, runs integer, succeeded integer, partial integer, failed integer,
  records bigint, errors bigint, retries bigint, timed integer, duration_ms bigint, min_ms bigint, max_ms bigint,
  p50_ms bigint, p95_ms bigint, histogram integer[]
)
language sql
stable
set search_path = ''
set timezone = 'UTC'
as $$
  with counted as materialized (
    select date_trunc('hour', l.created_at) as hour, l.org_id, l.mapping_id,
           case when l.mapping_id is null then coalesce(l.entity_type, 'unknown') end as entity_type,
           l.status, l.record_count, l.about_record, l.attempt_number,
           case when l.status in ('completed', 'completed_with_errors') then l.duration_ms end as ms
      from tideway.sync_activity_log l
     where l.created_at >= count_log.since
       and l.created_at < count_log.until
       and l.status <> 'started'
  ), grouped as (
    select g.hour, g.org_id, g.mapping_id, g.entity_type,
           count(*) as runs,
           count(*) filter (where g.status = 'completed') as succeeded,
           count(*) filter (where g.status = 'completed_with_errors') as partial,
           count(*) filter (where g.status in ('failed', 'timeout')) as failed,
           coalesce(sum(g.record_count) filter (where g.status in ('completed', 'completed_with_errors')), 0) as records,
           count(*) filter (where g.about_record and g.status <> 'completed') as errors,
           count(*) filter (where g.attempt_number > 1) as retries,
           count(g.ms) as timed,
           coalesce(sum(g.ms), 0) as duration_ms,
           min(g.ms) as min_ms,
           max(g.ms) as max_ms,
           percentile_cont(0.5) within group (order by g.ms) as p50_ms,
           percentile_cont(0.95) within group (order by g.ms) as p95_ms,
           grouping(g.mapping_id) = 1 as is_total
      from counted g
     group by grouping sets ((g.hour, g.org_id, g.mapping_id, g.entity_type), (g.hour, g.org_id))
  ), buckets as (
    select b.hour, b.org_id, b.mapping_id, b.entity_type, b.bucket, count(*) as amount, grouping(b.mapping_id) = 1 as is_total
      from (select c.*, width_bucket(c.ms - 1, 0::bigint || tideway_private.duration_bounds()) as bucket from counted c where c.ms is not null) b
     group by grouping sets ((b.hour, b.org_id, b.mapping_id, b.entity_type, b.bucket), (b.hour, b.org_id, b.bucket))
  ), histograms as (
    select b.hour, b.org_id, b.mapping_id, b.entity_type, b.is_total,
           array_agg(coalesce(b.amount, 0)::integer order by b.bucket) as amounts,
           array_agg(greatest(b.bucket, 1) order by b.bucket) as places
      from buckets b
     group by b.hour, b.org_id, b.mapping_id, b.entity_type, b.is_total
  )
  select g.hour, g.org_id, g.mapping_id, g.entity_type, g.runs::integer, g.succeeded::integer, g.partial::integer, g.failed::integer,
         g.records::bigint, g.errors, g.retries, g.timed::integer, g.duration_ms::bigint, g.min_ms, g.max_ms,
         round(g.p50_ms)::bigint, round(g.p95_ms)::bigint,
         coalesce((select array_agg(coalesce((select sum(a.amount)::integer
                                                from unnest(h.amounts, h.places) as a (amount, place)
                                               where a.place = n), 0) order by n)
                     from generate_series(1, cardinality(tideway_private.duration_bounds()) + 1) n
                    where h.places is not null), '{}')
    from grouped g
    left join histograms h
      on h.hour = g.hour and h.org_id = g.org_id and h.is_total = g.is_total
     and h.mapping_id is not distinct from g.mapping_id and h.entity_type is not distinct from g.entity_type
$$;

comment on function tideway_private.count_log(timestamptz, timestamptz) is
'Counts the log by hour: one row per mapping, one per entity of what no mapping logged, and one per organisation (both null).

Durations are those of rows that completed, with errors or without.';
