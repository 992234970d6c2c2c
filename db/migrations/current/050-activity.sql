-- What happened: runs, progress, log, lineage, errors, conflicts, and the hourly counters behind the statistics.
set local role tideway_owner;

create table if not exists tideway.sync_runs (
  id                uuid        primary key default gen_random_uuid(),
  org_id            text        not null,
  connection_id     uuid,
  mapping_id        uuid,
  data_source_id    uuid        generated always as (connection_id) stored,
  tab_mapping_id    uuid        generated always as (mapping_id) stored,
  kind              text        not null check (kind in ('pull', 'push', 'sweep', 'backfill', 'delta', 'full', 'preview')),
  trigger           text        not null default 'sql' check (trigger in ('manual', 'scheduled', 'webhook', 'sql', 'api')),
  status            text        not null default 'running'
                                check (status in ('running', 'completed', 'completed_with_errors', 'failed', 'interrupted', 'cancelled')),
  dry_run           boolean     not null default false,
  row_limit         integer     check (row_limit > 0),
  force_overwrite   boolean     not null default false,
  total_items       bigint      check (total_items >= 0),
  rows_processed    bigint      not null default 0,
  rows_created      bigint      not null default 0,
  rows_updated      bigint      not null default 0,
  rows_deleted      bigint      not null default 0,
  rows_skipped      bigint      not null default 0,
  rows_failed       bigint      not null default 0,
  rows_held         bigint      not null default 0,
  rows_pushed       bigint      not null default 0,
  errors            jsonb,
  changes           jsonb,
  report            jsonb,
  timings           jsonb       not null default '{}',
  metadata          jsonb       not null default '{}',
  triggered_by      text,
  epoch             bigint,
  started_at        timestamptz not null default clock_timestamp(),
  heartbeat_at      timestamptz not null default clock_timestamp(),
  completed_at      timestamptz,
  created_at        timestamptz not null default clock_timestamp(),
  constraint sync_runs_ended_when_not_running check ((status = 'running') = (completed_at is null)),
  constraint sync_runs_id_in_org unique (org_id, id)
);

create index if not exists sync_runs_mapping_started_at_idx on tideway.sync_runs (mapping_id, started_at desc);
create index if not exists sync_runs_org_started_at_idx on tideway.sync_runs (org_id, started_at desc);
create index if not exists sync_runs_running_idx on tideway.sync_runs (mapping_id) where status = 'running';

create table if not exists tideway.sync_progress (
  id                   uuid        primary key default gen_random_uuid(),
  org_id               text        not null,
  sync_id              text        not null,
  run_id               uuid,
  entity_type          text        not null,
  source_system        text,
  status               text        not null default 'running'
                                   check (status in ('running', 'completed', 'completed_with_errors', 'failed', 'timeout', 'interrupted')),
  total_items          bigint      check (total_items >= 0),
  processed_count      bigint      not null default 0 check (processed_count >= 0),
  failed_count         bigint      not null default 0 check (failed_count >= 0),
  current_item         bigint,
  initiated_by         text,
  elapsed_seconds      integer     not null default 0,
  speed_items_per_min  numeric(14, 1) not null default 0,
  eta_seconds          integer,
  started_at           timestamptz not null default clock_timestamp(),
  updated_at           timestamptz not null default clock_timestamp(),
  completed_at         timestamptz,
  metadata             jsonb       not null default '{}',
  constraint sync_progress_sync_id_in_org unique (org_id, sync_id),
  constraint sync_progress_counts_within_total check (processed_count + failed_count <= total_items)
);

create index if not exists sync_progress_active_idx on tideway.sync_progress (org_id, updated_at desc) where completed_at is null;

create table if not exists tideway.sync_activity_log (
  id                uuid        not null default gen_random_uuid(),
  org_id            text        not null,
  sync_id           text,
  run_id            uuid,
  mapping_id        uuid,
  connection_id     uuid,
  entity_type       text,
  source_system     text,
  action            text        not null,
  status            text        not null check (status in ('started', 'completed', 'completed_with_errors', 'failed', 'timeout')),
  record_id         text,
  attempt_number    integer,
  record_count      integer     not null default 0,
  message           text,
  error_message     text,
  error_details     jsonb,
  duration_ms       bigint,
  duration_seconds  numeric(14, 3),
  user_id           text,
  metadata          jsonb       not null default '{}',
  created_at        timestamptz not null default clock_timestamp(),
  primary key (id, created_at)
) partition by range (created_at);

create table if not exists tideway.sync_activity_log_default partition of tideway.sync_activity_log default;
create index if not exists sync_activity_log_org_created_at_idx on tideway.sync_activity_log (org_id, created_at desc);
create index if not exists sync_activity_log_mapping_created_at_idx on tideway.sync_activity_log (mapping_id, created_at desc);
create index if not exists sync_activity_log_sync_id_idx on tideway.sync_activity_log (sync_id);
create index if not exists sync_activity_log_failed_idx on tideway.sync_activity_log (org_id, created_at desc)
  where status in ('failed', 'completed_with_errors', 'timeout');

-- One row per created record (field_name '*') and one per changed field; the view tideway.field_lineage expands the first.
create table if not exists tideway_private.field_lineage (
  id              uuid        not null default gen_random_uuid(),
  org_id          text        not null,
  mapping         integer,
  entity_type     text        not null,
  entity_id       text        not null,
  field_name      text        not null,
  source_type     text        not null,
  source_id       uuid,
  source_ref      text,
  previous_value  jsonb,
  new_value       jsonb,
  sync_run_id     uuid,
  changed_by      text,
  changed_at      timestamptz not null default clock_timestamp(),
  primary key (id, changed_at)
) partition by range (changed_at);

create table if not exists tideway_private.field_lineage_default partition of tideway_private.field_lineage default;
create index if not exists field_lineage_entity_idx on tideway_private.field_lineage (entity_type, entity_id, changed_at desc);

create table if not exists tideway.sync_errors (
  id               uuid        primary key default gen_random_uuid(),
  org_id           text        not null,
  mapping_id       uuid,
  connection_id    uuid,
  run_id           uuid,
  direction        text        not null check (direction in ('pull', 'push')),
  local_key        text        collate "C",
  remote_id        text        collate "C",
  "row"            bigint,
  "column"         text,
  error_class      text        not null check (error_class in (
                     'VALIDATION_ERROR', 'TRANSFORM_ERROR', 'API_ERROR', 'RATE_LIMIT', 'NETWORK_ERROR',
                     'AUTH_ERROR', 'CONFLICT', 'INTERNAL', 'DATABASE_ERROR')),
  code             text        not null,
  severity         text        not null default 'error' check (severity in ('warning', 'error')),
  message          text        not null,
  suggestion       text,
  details          jsonb,
  retryable        boolean     not null default false,
  attempts         integer     not null default 1,
  first_seen_at    timestamptz not null default clock_timestamp(),
  last_seen_at     timestamptz not null default clock_timestamp(),
  resolved_at      timestamptz,
  resolved_by      text,
  resolution_notes text,
  foreign key (org_id, mapping_id) references tideway.mappings (org_id, id) on delete cascade
);

create unique index if not exists sync_errors_open_idx on tideway.sync_errors
  (mapping_id, direction, (coalesce(remote_id, local_key, '')), (coalesce("column", '')), code) where resolved_at is null;
create index if not exists sync_errors_open_local_key_idx on tideway.sync_errors (mapping_id, local_key) where resolved_at is null;
create index if not exists sync_errors_open_remote_id_idx on tideway.sync_errors (mapping_id, remote_id) where resolved_at is null;
create index if not exists sync_errors_org_last_seen_at_idx on tideway.sync_errors (org_id, last_seen_at desc);

create table if not exists tideway.conflicts (
  id              uuid        primary key default gen_random_uuid(),
  org_id          text        not null,
  mapping_id      uuid        not null,
  link_id         bigint,
  local_key       text        collate "C",
  remote_id       text        collate "C",
  "column"        text        not null,
  kind            text        not null check (kind in (
                    'insert_exists', 'update_origin_differs', 'update_exists', 'update_missing',
                    'delete_origin_differs', 'delete_missing', 'lower_priority', 'local_edit_reverted', 'flapping')),
  policy          text        not null,
  old_value       jsonb,
  local_value     jsonb,
  remote_value    jsonb,
  resolution      text        check (resolution in ('remote', 'local', 'delta', 'value', 'withdrawn')),
  resolved_value  jsonb,
  resolved_at     timestamptz,
  resolved_by     text,
  run_id          uuid,
  detected_at     timestamptz not null default clock_timestamp(),
  updated_at      timestamptz not null default clock_timestamp(),
  constraint conflicts_resolution_has_a_time check ((resolution is null) = (resolved_at is null)),
  foreign key (org_id, mapping_id) references tideway.mappings (org_id, id) on delete cascade
);

create unique index if not exists conflicts_open_idx on tideway.conflicts (link_id, "column") where resolved_at is null;
create index if not exists conflicts_mapping_detected_at_idx on tideway.conflicts (mapping_id, detected_at desc);
create index if not exists conflicts_mapping_local_key_idx on tideway.conflicts (mapping_id, local_key);

create table if not exists tideway_private.hourly_counts (
  hour          timestamptz not null,
  org_id        text        not null,
  mapping_id    uuid        not null,
  runs          integer     not null default 0,
  succeeded     integer     not null default 0,
  failed        integer     not null default 0,
  records       bigint      not null default 0,
  errors        bigint      not null default 0,
  retries       bigint      not null default 0,
  duration_ms   bigint      not null default 0,
  max_ms        bigint      not null default 0,
  min_ms        bigint,
  histogram     integer[]   not null default '{}',
  primary key (mapping_id, hour)
);

create index if not exists hourly_counts_hour_idx on tideway_private.hourly_counts (hour, org_id);

reset role;
