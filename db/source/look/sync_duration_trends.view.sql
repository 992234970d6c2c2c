create or replace view tideway.sync_duration_trends with (security_invoker = true) as
with hours as (
  select h.org_id, h.mapping_id, h.entity_type, h.succeeded + h.partial as syncs, h.timed, h.duration_ms, h.max_ms, h.records
    from tideway_private.hourly_counts h
   where h.hour < (select k.counted_until from tideway_private.housekeeping k)
     and h.hour > now() - interval '30 days'
     and (h.mapping_id is not null or h.entity_type is not null)
  union all
  select c.org_id, c.mapping_id, c.entity_type, c.succeeded + c.partial, c.timed, c.duration_ms, c.max_ms, c.records
    from tideway_private.count_log((select k.counted_until from tideway_private.housekeeping k), 'infinity') c
   where c.mapping_id is not null or c.entity_type is not null
), named as (
  select h.*, coalesce(h.entity_type, m.item_type, m.name, 'unknown') as entity
    from hours h
    left join tideway.mappings m on m.id = h.mapping_id
)
select n.entity as entity_type, n.org_id, sum(n.syncs)::bigint as sync_count,
       round(sum(n.duration_ms) / nullif(sum(n.timed), 0) / 1000, 3) as avg_duration_sec,
       round(max(n.max_ms) / 1000.0, 3) as max_duration_sec,
       sum(n.records)::bigint as total_records
  from named n
 group by n.entity, n.org_id
having sum(n.syncs) > 0
 order by n.entity, n.org_id;

comment on view tideway.sync_duration_trends is
'How long do syncs take? Count, average and longest duration per entity over the last thirty days.

  select * from tideway.sync_duration_trends;';
comment on column tideway.sync_duration_trends.entity_type is 'What is synced: the item type, else the mapping; of a client''s own log rows what they say.';
comment on column tideway.sync_duration_trends.org_id is 'The organisation.';
comment on column tideway.sync_duration_trends.sync_count is 'Syncs that completed, with errors or without.';
comment on column tideway.sync_duration_trends.avg_duration_sec is 'Average duration in seconds.';
comment on column tideway.sync_duration_trends.max_duration_sec is 'Longest duration in seconds.';
comment on column tideway.sync_duration_trends.total_records is 'Records that they covered.';
