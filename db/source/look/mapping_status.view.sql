create or replace view tideway.mapping_status with (security_invoker = true) as
with facts as (
  select m.id, m.org_id, m.number, m.name, m.direction, m.local_name, m.remote_table, m.shadow, c.name as connection, c.system, c.state as connection_state,
         case when m.state = 'active' and c.state <> 'active' then 'connection ' || c.state else m.state end as state,
         coalesce(m.paused_code, case when c.state <> 'active' then upper(c.state) end) as paused_code,
         coalesce(m.paused_at, c.paused_at) as paused_at,
         s.last_success_at, s.last_run_at, s.last_run_status,
         case when l.few then (select count(*) from (select from tideway_private.links k where k.mapping = m.number and k.local_gone_at is null and k.remote_gone_at is null limit 200000) x)
              else n.linked end as rows,
         case when l.few then now() else n.counted_at end as rows_counted_at,
         q.marks, q.oldest_mark_age, q.in_flight, q.waiting_retry,
         (select count(*) from (select from tideway.sync_errors e where e.mapping_id between m.id and m.id and e.resolved_at is null and e.severity = 'error' order by e.mapping_id, e.last_seen_at desc limit 10000) x) as failed,
         (select count(*) from (select from tideway.conflicts x where x.mapping_id = m.id and x.resolved_at is null limit 10000) x) as conflicts,
         (select count(*) from (select from tideway_private.deletions d where d.mapping = m.number and d.state = 'held' limit 10000) x) as held_deletions,
         e.last_error_code, e.last_error_at, k.read_at as last_read_at,
         case when m.state = 'active' and c.state = 'active' then p.due_at end as next_poll_at,
         case when m.state = 'active' and c.state = 'active' then w.due_at end as next_sweep_at
    from tideway.mappings m
    join tideway.connections c on c.id = m.connection_id
    cross join (select (t.reltuples < 100000) as few from pg_catalog.pg_class t where t.oid = 'tideway_private.links'::regclass) l
    left join tideway_private.mapping_counts n on n.mapping = m.number
    left join lateral (select max(x.read_at) as read_at from tideway_private.cursors x where x.mapping = m.number) k on true
    left join tideway_private.due_reads p on p.mapping = m.number and p.kind = 'poll'
    left join tideway_private.due_reads w on w.mapping = m.number and w.kind = 'sweep'
    left join lateral (
      select (select count(*) from (select from tideway_private.outbox o where o.mapping between m.number and m.number order by o.mapping, o.seq limit 10000) x) as marks,
             (select greatest(now() - o.marked_at, '0') from tideway_private.outbox o where o.mapping between m.number and m.number order by o.mapping, o.seq limit 1) as oldest_mark_age,
             (select coalesce(sum(cardinality(f.ops)), 0) from tideway_private.in_flight f where f.mapping = m.number) as in_flight,
             (select count(*) from (select from tideway_private.waiting w where (w.mapping, w.reason) >= (m.number, 'retry') and (w.mapping, w.reason) <= (m.number, 'retry') order by w.mapping, w.reason limit 10000) x) as waiting_retry
    ) q on true
    -- A range and an order where = would say the same, here and above: they hold each look to the index of the mapping.
    -- A planner that expects every mapping to have its share reads everybody else's rows for one that has none.
    left join lateral (
      select (select r.completed_at from tideway.sync_runs r
               where r.mapping_id between m.id and m.id and r.status in ('completed', 'completed_with_errors') and r.kind <> 'preview'
               order by r.mapping_id, r.started_at desc limit 1) as last_success_at,
             a.started_at as last_run_at, a.status as last_run_status
        from (select) one
        left join lateral (select r.started_at, r.status from tideway.sync_runs r
                            where r.mapping_id between m.id and m.id and r.status <> 'pending' order by r.mapping_id, r.started_at desc limit 1) a on true
    ) s on true
    left join lateral (
      select x.code as last_error_code, x.last_seen_at as last_error_at
        from tideway.sync_errors x where x.mapping_id between m.id and m.id and x.resolved_at is null and x.severity = 'error' order by x.mapping_id, x.last_seen_at desc limit 1
    ) e on true
   where m.state <> 'unmapped'
)
select f.name as mapping, f.connection, f.system, f.direction, f.state, f.paused_code, f.paused_at, f.local_name as local_table, f.remote_table,
       f.last_success_at, f.last_run_at, f.last_run_status, f.last_read_at, f.rows, f.rows_counted_at, f.marks, f.in_flight, f.waiting_retry,
       f.failed, f.conflicts, f.held_deletions, f.last_error_code, f.last_error_at, f.oldest_mark_age as lag, f.shadow, f.org_id, f.id as mapping_id,
       f.next_poll_at, f.next_sweep_at
  from facts f
 order by case when f.state in ('active', 'draft', 'pending') then 1 else 0 end, f.held_deletions > 0 desc, f.failed desc, f.conflicts desc,
          f.oldest_mark_age desc nulls last, f.name;

comment on view tideway.mapping_status is
'Is every mapping in step? One row per mapping, the worst first.

Counts stop at 10,000, which then means that many or more; rows of large databases are counted by maintain(). Why a mapping is paused is a sentence in tideway.mappings.

  select mapping, state, last_success_at, rows, marks, failed, lag from tideway.mapping_status;';
comment on column tideway.mapping_status.mapping is 'The mapping.';
comment on column tideway.mapping_status.connection is 'The connection.';
comment on column tideway.mapping_status.system is 'The app.';
comment on column tideway.mapping_status.direction is 'pull, push or both.';
comment on column tideway.mapping_status.state is 'draft, pending, active or paused; or that of the connection when it keeps the mapping from running.';
comment on column tideway.mapping_status.paused_code is 'Why it is paused, as a stable word.';
comment on column tideway.mapping_status.paused_at is 'Since when it is paused.';
comment on column tideway.mapping_status.local_table is 'The table here.';
comment on column tideway.mapping_status.remote_table is 'The table there.';
comment on column tideway.mapping_status.last_success_at is 'When a run last completed.';
comment on column tideway.mapping_status.last_run_at is 'When a run last started.';
comment on column tideway.mapping_status.last_run_status is 'How that run stands or ended.';
comment on column tideway.mapping_status.last_read_at is 'When the app was last read.';
comment on column tideway.mapping_status.rows is 'Rows linked on both sides.';
comment on column tideway.mapping_status.rows_counted_at is 'When they were counted.';
comment on column tideway.mapping_status.marks is 'Rows waiting to be pushed.';
comment on column tideway.mapping_status.in_flight is 'Rows in a push now.';
comment on column tideway.mapping_status.waiting_retry is 'Rows that will be tried again.';
comment on column tideway.mapping_status.failed is 'Open errors.';
comment on column tideway.mapping_status.conflicts is 'Open conflicts.';
comment on column tideway.mapping_status.held_deletions is 'Deletions held for approval.';
comment on column tideway.mapping_status.last_error_code is 'Code of the latest open error.';
comment on column tideway.mapping_status.last_error_at is 'When it was last seen.';
comment on column tideway.mapping_status.lag is 'How long the oldest row waits to be pushed; null when none does.';
comment on column tideway.mapping_status.shadow is 'Whether the mapping only records what it would write.';
comment on column tideway.mapping_status.org_id is 'The organisation.';
comment on column tideway.mapping_status.mapping_id is 'The mapping''s id.';
comment on column tideway.mapping_status.next_poll_at is 'When it is polled next; null when it is not.';
comment on column tideway.mapping_status.next_sweep_at is 'When both sides are compared next; null when never.';
