create or replace view tideway.replication_status with (security_invoker = true) as
with wal as (
  select case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn() else pg_catalog.pg_current_wal_lsn() end as lsn
), rate as (
  select pg_catalog.pg_wal_lsn_diff(w.lsn, s.lsn) / nullif(extract(epoch from now() - s.sampled_at), 0) * 3600 as bytes_per_hour
    from wal w
    cross join lateral (
      select a.lsn, a.sampled_at from tideway_private.wal_samples a
       where a.sampled_at between now() - interval '1 day' and now() - interval '10 minutes'
       order by a.sampled_at desc limit 1) s
   where w.lsn > s.lsn
)
select p.slot, s.slot_name is not null as exists, s.active, s.wal_status, p.lsn as position,
       s.restart_lsn, s.confirmed_flush_lsn,
       pg_catalog.pg_wal_lsn_diff(w.lsn, p.lsn)::bigint as behind_bytes,
       pg_catalog.pg_wal_lsn_diff(w.lsn, s.restart_lsn)::bigint as retained_bytes,
       s.safe_wal_size as safe_bytes,
       r.bytes_per_hour::bigint as wal_bytes_per_hour,
       round(s.safe_wal_size / nullif(r.bytes_per_hour, 0), 1) as hours_left,
       p.owner, p.updated_at, now() - p.updated_at as position_age
  from tideway_private.positions p
  cross join wal w
  left join rate r on true
  left join pg_catalog.pg_replication_slots s on s.slot_name = p.slot and s.database = pg_catalog.current_database();

comment on view tideway.replication_status is
'Do we keep up with the write-ahead log, and how long does the disk last? One row per replication slot of Tideway.

hours_left is null while max_slot_wal_keep_size sets no limit, or before maintain() has sampled the log ten minutes ago.

  select slot, active, wal_status, retained_bytes, safe_bytes, hours_left from tideway.replication_status;';
comment on column tideway.replication_status.slot is 'The replication slot.';
comment on column tideway.replication_status.exists is 'Whether the server has it.';
comment on column tideway.replication_status.active is 'Whether a daemon reads it now.';
comment on column tideway.replication_status.wal_status is 'reserved, extended, unreserved or lost, as Postgres says.';
comment on column tideway.replication_status.position is 'Up to here every change is in the outbox.';
comment on column tideway.replication_status.restart_lsn is 'From here on Postgres keeps the log for the slot.';
comment on column tideway.replication_status.confirmed_flush_lsn is 'What the daemon has acknowledged.';
comment on column tideway.replication_status.behind_bytes is 'Log written since the position.';
comment on column tideway.replication_status.retained_bytes is 'Log that the slot keeps on the disk.';
comment on column tideway.replication_status.safe_bytes is 'Log that may still be written before the slot is lost; null without a limit.';
comment on column tideway.replication_status.wal_bytes_per_hour is 'How much log the server writes, since the latest sample older than ten minutes.';
comment on column tideway.replication_status.hours_left is 'safe_bytes at that rate.';
comment on column tideway.replication_status.owner is 'The daemon that follows.';
comment on column tideway.replication_status.updated_at is 'When the position last moved.';
comment on column tideway.replication_status.position_age is 'How long ago that was.';
