create or replace view tideway.slow_syncs with (security_invoker = true) as
select p.org_id, p.sync_id, p.run_id, p.entity_type, p.source_system, p.status, p.processed_count, p.failed_count, p.speed_items_per_min, p.elapsed_seconds,
       round(p.elapsed_seconds::numeric / nullif(p.processed_count, 0), 3) as seconds_per_item,
       s.median as usual_items_per_min,
       case when p.speed_items_per_min < 10 then 'below 10 items a minute' else 'below half of the usual speed' end as reason,
       p.started_at, p.completed_at
  from (
         select a.org_id, a.sync_id, a.run_id, a.entity_type, a.source_system, a.status, a.processed_count, a.failed_count, a.speed_items_per_min, a.elapsed_seconds, a.started_at, a.completed_at
           from tideway.sync_progress a where a.completed_at is null and a.speed_items_per_min > 0
         union all
         select b.org_id, b.sync_id, b.run_id, b.entity_type, b.source_system, b.status, b.processed_count, b.failed_count, b.speed_items_per_min, b.elapsed_seconds, b.started_at, b.completed_at
           from tideway.sync_progress b
          where b.completed_at is not null and b.speed_items_per_min > 0 and b.speed_items_per_min < 10
         union all
         -- offset 0 keeps the planner from a join over all runs: each entity is one range of its index.
         select u.org_id, u.sync_id, u.run_id, u.entity_type, u.source_system, u.status, u.processed_count, u.failed_count,
                u.speed_items_per_min, u.elapsed_seconds, u.started_at, u.completed_at
           from tideway_private.entity_speeds e
           cross join lateral (
             select b.org_id, b.sync_id, b.run_id, b.entity_type, b.source_system, b.status, b.processed_count, b.failed_count, b.speed_items_per_min, b.elapsed_seconds, b.started_at, b.completed_at
               from tideway.sync_progress b
              where b.org_id = e.org_id and b.entity_type = e.entity_type and b.completed_at is not null and b.speed_items_per_min > 0
                and b.speed_items_per_min >= 10 and b.speed_items_per_min < e.median / 2
             offset 0) u
       ) p
  left join tideway_private.entity_speeds s on s.org_id = p.org_id and s.entity_type = p.entity_type
 where p.started_at > now() - interval '30 days'
   and (p.speed_items_per_min < 10 or p.speed_items_per_min < s.median / 2)
 order by p.speed_items_per_min;

comment on view tideway.slow_syncs is
'Which syncs are slow? Those below ten items a minute, and those below half of their entity''s own median of thirty days; the slowest first.

  select sync_id, entity_type, speed_items_per_min, usual_items_per_min, reason from tideway.slow_syncs limit 20;';
comment on column tideway.slow_syncs.org_id is 'The organisation.';
comment on column tideway.slow_syncs.sync_id is 'The sync.';
comment on column tideway.slow_syncs.run_id is 'The run.';
comment on column tideway.slow_syncs.entity_type is 'What is synced.';
comment on column tideway.slow_syncs.source_system is 'The app.';
comment on column tideway.slow_syncs.status is 'How it ended, or running.';
comment on column tideway.slow_syncs.processed_count is 'Items done.';
comment on column tideway.slow_syncs.failed_count is 'Items that failed.';
comment on column tideway.slow_syncs.speed_items_per_min is 'Items per minute.';
comment on column tideway.slow_syncs.elapsed_seconds is 'How long it took.';
comment on column tideway.slow_syncs.seconds_per_item is 'Seconds per item done.';
comment on column tideway.slow_syncs.usual_items_per_min is 'The entity''s median of thirty days, as maintain() last computed it; null until then.';
comment on column tideway.slow_syncs.reason is 'Why it is in this list.';
comment on column tideway.slow_syncs.started_at is 'When it started.';
comment on column tideway.slow_syncs.completed_at is 'When it ended.';
