-- What the statistics and the status views need beside 050: counters per entity, samples, and the indexes that keep views quick.
set local role tideway_owner;

-- One row per hour and mapping; rows that no mapping made count by their entity; both null is the organisation's total.
alter table tideway_private.hourly_counts drop constraint if exists hourly_counts_pkey;
alter table tideway_private.hourly_counts alter column mapping_id drop not null;
alter table tideway_private.hourly_counts add column if not exists entity_type text;
alter table tideway_private.hourly_counts add column if not exists partial integer not null default 0;
alter table tideway_private.hourly_counts add column if not exists timed integer not null default 0;
alter table tideway_private.hourly_counts add column if not exists p50_ms bigint;
alter table tideway_private.hourly_counts add column if not exists p95_ms bigint;
alter table tideway_private.hourly_counts alter column max_ms drop not null;
alter table tideway_private.hourly_counts alter column max_ms drop default;
drop index if exists tideway_private.hourly_counts_hour_idx;
create unique index if not exists hourly_counts_once_idx
  on tideway_private.hourly_counts (org_id, hour, mapping_id, entity_type) nulls not distinct;
create index if not exists hourly_counts_total_idx
  on tideway_private.hourly_counts (hour, org_id) where mapping_id is null and entity_type is null;
create index if not exists hourly_counts_mapping_hour_idx on tideway_private.hourly_counts (mapping_id, hour);

-- The log is counted up to counted_until; what came later is added live.
create table if not exists tideway_private.housekeeping (
  one               boolean     primary key default true check (one),
  counted_until     timestamptz not null default '-infinity',
  progress_timeout  interval    not null default '1 hour' check (progress_timeout > '0')
);
insert into tideway_private.housekeeping default values on conflict do nothing;

create table if not exists tideway_private.mapping_counts (
  mapping     integer     primary key references tideway.mappings (number) on delete cascade,
  org_id      text        not null,
  linked      bigint      not null,
  counted_at  timestamptz not null
);

create table if not exists tideway_private.entity_speeds (
  org_id       text           not null,
  entity_type  text           not null,
  median       numeric(14, 1) not null,
  runs         integer        not null,
  counted_at   timestamptz    not null,
  primary key (org_id, entity_type)
);

create table if not exists tideway_private.wal_samples (
  sampled_at  timestamptz primary key,
  lsn         pg_lsn      not null
);

-- Monitors may count records but not name them.
alter table tideway.sync_activity_log add column if not exists about_record boolean generated always as (record_id is not null) stored;

-- A DBA who sees all organisations has no org_id to lead an index with.
create index if not exists sync_activity_log_created_at_idx on tideway.sync_activity_log (created_at);
create index if not exists sync_activity_log_error_idx on tideway.sync_activity_log (created_at)
  where (case status when 'started' then 'started' when 'completed' then 'success' else 'error' end) = 'error';
create index if not exists sync_activity_log_user_idx on tideway.sync_activity_log (org_id, user_id, created_at desc) where user_id is not null;
create index if not exists sync_activity_log_record_idx on tideway.sync_activity_log (record_id, created_at desc) where record_id is not null;
create index if not exists field_lineage_source_idx on tideway_private.field_lineage (source_id, changed_at desc);
create index if not exists field_lineage_changed_at_idx on tideway_private.field_lineage (changed_at);
create index if not exists sync_runs_started_at_idx on tideway.sync_runs (started_at desc);
create index if not exists sync_errors_open_last_seen_at_idx on tideway.sync_errors (last_seen_at desc) where resolved_at is null;
create index if not exists sync_errors_open_mapping_idx on tideway.sync_errors (mapping_id, last_seen_at desc)
  where resolved_at is null and severity = 'error';
create index if not exists conflicts_open_mapping_idx on tideway.conflicts (mapping_id, detected_at desc) where resolved_at is null;
create index if not exists waiting_mapping_reason_idx on tideway_private.waiting (mapping, reason);
create index if not exists deletions_held_idx on tideway_private.deletions (mapping, found_at desc) where state = 'held';
create index if not exists sync_progress_slow_idx on tideway.sync_progress (speed_items_per_min)
  where completed_at is not null and speed_items_per_min > 0;
create index if not exists sync_progress_entity_speed_idx on tideway.sync_progress (org_id, entity_type, speed_items_per_min)
  where completed_at is not null and speed_items_per_min > 0;

do $$
begin
  create type tideway.preview_result as (run_id uuid, delta jsonb, computed_at timestamptz, expires_at timestamptz);
exception when duplicate_object then null;
end;
$$;

do $$
begin
  create type tideway.cleanup_result as (deleted_count integer);
exception when duplicate_object then null;
end;
$$;

reset role;
