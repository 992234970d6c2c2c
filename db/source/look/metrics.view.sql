create or replace view tideway.metrics with (security_invoker = true) as
with mappings as materialized (
  select s.*, m.schedule, m.direction <> 'push' as is_polled, m.state as own_state,
         pg_catalog.jsonb_build_object('mapping', tideway_private.label(s.mapping, s.mapping_id),
           'connection', tideway_private.label(c.name, c.id), 'system', c.system) as labels
    from tideway.mapping_status s
    join tideway.mappings m on m.id = s.mapping_id
    join tideway.connections c on c.id = m.connection_id
), queues as materialized (
  select q.*, m.labels
    from tideway.queue_status q
    join mappings m on m.mapping = q.mapping and m.org_id = q.org_id
), slots as materialized (
  select r.*, pg_catalog.jsonb_build_object('slot', r.slot) as labels,
         case when not r.exists then 'missing' when r.wal_status in ('lost', 'unreserved') then 'lost' when r.active then 'following' else 'idle' end as state
    from tideway.replication_status r
), connections as materialized (
  select c.state, c.system, tideway_private.label(c.name, c.id) as name,
         (select min(l.owner) from tideway_private.leases l where l.connection = c.number and l.expires_at > now()) as owner
    from tideway.connections c
), entities as (
  select 'mapping' as entity, m.labels ->> 'mapping' as name, m.own_state as state, '{draft,pending,active,paused}'::text[] as states from mappings m
  union all
  select 'connection', c.name, c.state, '{active,paused,unauthorized}' from connections c
  union all
  select 'slot', s.slot, s.state, '{following,idle,missing,lost}' from slots s
)
select x.name, s.labels, x.value::float8 as value
  from slots s
  cross join lateral (values
    ('tideway_wal_lag_bytes', s.behind_bytes),
    ('tideway_wal_lag_seconds', extract(epoch from s.position_age)),
    ('tideway_wal_retained_bytes', s.retained_bytes),
    ('tideway_wal_safe_bytes', s.safe_bytes),
    ('tideway_wal_left_seconds', s.hours_left * 3600),
    ('tideway_slot_active', case when s.active then 1 else 0 end)
  ) as x (name, value)
 where x.value is not null
union all
select 'tideway_outbox_rows', q.labels || pg_catalog.jsonb_build_object('state', x.state), x.value
  from queues q
  cross join lateral (values
    ('marked', q.marks), ('in_flight', q.in_flight), ('retry', q.waiting_retry), ('failed', q.waiting_failed), ('paused', q.waiting_paused),
    ('conflict', q.waiting_conflict), ('dependency', q.waiting_dependency), ('flapping', q.waiting_flapping)
  ) as x (state, value)
union all
select x.name, q.labels, x.value
  from queues q
  cross join lateral (values
    ('tideway_outbox_oldest_mark_age_seconds', coalesce(extract(epoch from q.oldest_mark_age), 0)),
    ('tideway_reread_records', q.rereads)
  ) as x (name, value)
union all
select x.name, m.labels, x.value
  from mappings m
  cross join lateral (values
    ('tideway_mapping_linked_rows', m.rows::numeric),
    ('tideway_mapping_open_errors', m.failed),
    ('tideway_mapping_open_conflicts', m.conflicts),
    ('tideway_mapping_held_deletions', m.held_deletions),
    ('tideway_mapping_interval_seconds', case when m.is_polled and m.state = 'active' and coalesce(m.schedule, '') <> 'manual' then greatest(
       case when tideway_private.fits(coalesce(m.schedule, '1 min'), 'interval') then extract(epoch from coalesce(m.schedule, '1 min')::interval) end,
       extract(epoch from m.next_poll_at - m.last_run_at), 1) end),
    ('tideway_mapping_failed_sweeps', (
       select count(*)
         from (select bool_or(r.status <> 'failed') over (order by r.started_at desc) as mended
                 from tideway.sync_runs r
                where r.mapping_id = m.mapping_id and r.kind = 'sweep' and r.status in ('completed', 'completed_with_errors', 'failed')
                order by r.started_at desc
                limit 30) x
        where not x.mended))
  ) as x (name, value)
 where x.value is not null
union all
select 'tideway_mapping_last_success_timestamp_seconds', m.labels || pg_catalog.jsonb_build_object('mode', x.mode), extract(epoch from x.at)
  from mappings m
  cross join lateral (
    select 'any' as mode, m.last_success_at as at
    union all
    select k.kind, (select r.completed_at from tideway.sync_runs r
                     where r.mapping_id = m.mapping_id and r.kind = k.kind and r.kind in ('sweep', 'full', 'backfill')
                       and r.status in ('completed', 'completed_with_errors')
                     order by r.started_at desc limit 1)
      from (values ('sweep'), ('full'), ('backfill')) as k (kind)
  ) as x
 where x.at is not null
union all
select 'tideway_connection_owned', pg_catalog.jsonb_build_object('connection', c.name, 'system', c.system), case when c.owner is null then 0 else 1 end
  from connections c
union all
select 'tideway_entity_health', pg_catalog.jsonb_build_object('entity', e.entity, 'name', e.name, 'state', s.state), case when s.state = e.state then 1 else 0 end
  from entities e
  cross join lateral pg_catalog.unnest(e.states) as s (state)
union all
select 'tideway_default_partition_rows', pg_catalog.jsonb_build_object('table', t.name), t.rows
  from tideway_private.stray_rows() t
union all
select 'tideway_oldest_request_age_seconds', '{}', coalesce(extract(epoch from now() - min(q.requested_at)), 0)
  from tideway_private.requests q;

comment on view tideway.metrics is
'What Postgres knows of the metrics that a daemon shows at /metrics: one row per series, read at each scrape.

So a graph and a query never disagree. docs/metrics.md says what each name means; counts stop at 10,000.

  select name, labels, value from tideway.metrics order by 1, 2;';
comment on column tideway.metrics.name is 'The metric.';
comment on column tideway.metrics.labels is 'Its labels: mapping, connection and system by name, with a short id while there are several organisations.';
comment on column tideway.metrics.value is 'The value now, in the unit that the name ends with.';
