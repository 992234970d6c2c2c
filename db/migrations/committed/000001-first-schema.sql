--! Previous: -
--! Hash: sha1:eb6dc1f14fb1fb9dcf88e805fd7064195e8afc78
--! Message: first schema

--! split: 010-schemas.sql
-- The roles and the two schemas. Roles belong to the whole server: another database may have made them already.
do $$
declare
  wanted text;
begin
  foreach wanted in array array[
    'tideway_owner', 'tideway_daemon', 'tideway_operator', 'tideway_reader', 'tideway_monitor'
  ] loop
    if not exists (select from pg_catalog.pg_roles where rolname = wanted) then
      begin
        execute pg_catalog.format('create role %I nologin', wanted);
      exception
        when duplicate_object or unique_violation then null;
      end;
    end if;
  end loop;
end;
$$;

do $$
begin
  if not pg_catalog.pg_has_role(current_user, 'tideway_owner', 'usage')
    or not exists (
      select from pg_catalog.pg_auth_members
       where roleid = 'tideway_owner'::regrole and member = current_user::regrole
    )
  then
    begin
      execute pg_catalog.format('grant tideway_owner to %I', current_user);
    exception
      when unique_violation then null;
    end;
  end if;
end;
$$;

-- Reading the log needs REPLICATION, which not every migrating role may give away.
do $$
begin
  if not (select rolreplication from pg_catalog.pg_roles where rolname = 'tideway_daemon') then
    alter role tideway_daemon replication;
  end if;
exception
  when insufficient_privilege then
    raise notice 'Role tideway_daemon has no REPLICATION: % may not grant it.', current_user
      using hint = 'Let an administrator run: alter role tideway_daemon replication; '
        'or let the daemon read the log with a login that has it (TIDEWAY_REPLICATION_URL).';
end;
$$;

create schema if not exists tideway authorization tideway_owner;
create schema if not exists tideway_private authorization tideway_owner;

set local role tideway_owner;

comment on schema tideway is 'Keeps tables and apps in step: views to read, functions to call.';
comment on schema tideway_private is 'The workings of Tideway. They may change in any release.';

create table if not exists tideway_private.release (
  id           bigint      generated always as identity primary key,
  version      text        not null,
  source_hash  text        not null,
  migration    text,
  applied_at   timestamptz not null default pg_catalog.clock_timestamp()
);

alter table tideway_private.release enable row level security;

reset role;

--! split: 015-run.sql
-- The functions through which mappings run with their own role's rights; made by map(), one a role.
create schema if not exists tideway_run authorization tideway_owner;

--! split: 020-tenancy.sql
-- Organisations, their members, and the logins whose claims are believed.
set local role tideway_owner;

create table if not exists tideway.organisations (
  org_id      text        primary key check (org_id <> ''),
  timezone    text        not null default 'UTC',
  created_at  timestamptz not null default now()
);

insert into tideway.organisations (org_id) values ('default') on conflict do nothing;

create table if not exists tideway.members (
  login    name not null,
  org_id   text not null references tideway.organisations on update cascade,
  user_id  text,
  constraint members_one_org_per_login primary key (login)
);

create table if not exists tideway_private.trusted_logins (
  login  name primary key
);

reset role;

--! split: 025-trust.sql
-- Operators look, too; and the two logins whose claims are believed from the start.
do $$
begin
  if not pg_catalog.pg_has_role('tideway_operator', 'tideway_reader', 'member') then
    grant tideway_reader to tideway_operator;
  end if;
exception
  when insufficient_privilege then
    raise notice 'Role tideway_operator does not inherit tideway_reader: % may not grant it.', current_user
      using hint = 'Let an administrator run: grant tideway_reader to tideway_operator;';
  when unique_violation then null;
end;
$$;

set local role tideway_owner;

insert into tideway_private.trusted_logins (login)
values ('tideway_daemon'), ('authenticator')
on conflict do nothing;

reset role;

--! split: 030-define.sql
-- What people define: connections, mappings and their columns, and what was discovered of the apps.
set local role tideway_owner;

create table if not exists tideway.systems (
  system           text        primary key,
  title            text        not null,
  settings_schema  jsonb       not null,
  types            jsonb       not null default '[]',
  limits           jsonb       not null default '{}',
  capabilities     jsonb       not null default '{}',
  described_at     timestamptz not null default now()
);

create table if not exists tideway.connections (
  id             uuid        primary key default gen_random_uuid(),
  number         integer     generated always as identity unique,
  org_id         text        not null references tideway.organisations,
  name           text        not null check (name <> '' and octet_length(name) <= 63),
  system         text        not null,
  config         jsonb       not null default '{}' check (jsonb_typeof(config) = 'object'),
  has_secret     boolean     not null default false,
  state          text        not null default 'active' check (state in ('active', 'paused', 'unauthorized')),
  paused_at      timestamptz,
  paused_reason  text,
  tested_at      timestamptz,
  test_error     text,
  account        text,
  created_by     text,
  created_at     timestamptz not null default now(),
  updated_at     timestamptz not null default now(),
  constraint connections_name_unique_in_org unique (org_id, name),
  constraint connections_id_in_org unique (org_id, id),
  constraint connections_pause_has_reason check ((state = 'active') = (paused_at is null))
);

create table if not exists tideway_private.connection_secrets (
  connection_id  uuid        primary key,
  org_id         text        not null,
  secret         text        not null,
  host           text,
  changed_at     timestamptz not null default now(),
  constraint connection_secrets_is_a_reference
    check (secret ~ '^(env:[A-Za-z_][A-Za-z0-9_]*|file:[^[:cntrl:]]+|vault:[^[:cntrl:]]+|sealed:v1:[A-Za-z0-9_:+/=.-]+)$'),
  constraint connection_secrets_connection
    foreign key (org_id, connection_id) references tideway.connections (org_id, id) on delete cascade
);

create table if not exists tideway.remote_tables (
  org_id         text        not null,
  connection_id  uuid        not null,
  name           text        not null,
  title          text,
  capabilities   jsonb       not null default '{}',
  read_at        timestamptz not null default now(),
  missing_since  timestamptz,
  primary key (connection_id, name),
  foreign key (org_id, connection_id) references tideway.connections (org_id, id) on delete cascade
);

create table if not exists tideway.remote_columns (
  org_id         text        not null,
  connection_id  uuid        not null,
  remote_table   text        not null,
  name           text        not null,
  title          text,
  type           text        not null,
  app_type       text,
  writable       boolean     not null default true,
  required       boolean     not null default false,
  ordinal        integer     not null default 0,
  read_at        timestamptz not null default now(),
  missing_since  timestamptz,
  primary key (connection_id, remote_table, name),
  foreign key (connection_id, remote_table) references tideway.remote_tables (connection_id, name) on delete cascade,
  foreign key (org_id, connection_id) references tideway.connections (org_id, id) on delete cascade
);

create table if not exists tideway.mappings (
  id                uuid        primary key default gen_random_uuid(),
  number            integer     generated always as identity unique,
  org_id            text        not null,
  name              text        not null check (name <> '' and octet_length(name) <= 63),
  connection_id     uuid        not null,
  remote_table      text        not null check (remote_table <> ''),
  local_table       regclass    not null,
  local_name        text        not null,
  key_columns       text[]      not null check (cardinality(key_columns) > 0),
  direction         text        not null check (direction in ('pull', 'push', 'both')),
  run_as            name        not null,

  state             text        not null default 'draft'
                                check (state in ('draft', 'pending', 'active', 'paused', 'unmapped')),
  paused_at         timestamptz,
  paused_reason     text,
  paused_code       text,
  shadow            boolean     not null default false,

  local_filter      text,
  remote_filter     text,
  pattern           text,
  only_listed       boolean     not null default false,
  on_filter_exit    text        not null default 'keep' check (on_filter_exit in ('keep', 'delete')),

  schedule          text,
  sweep_schedule    text,
  windows           jsonb,
  settle            interval    not null default '0' check (settle >= '0'),
  on_remote_delete  text        not null default 'delete' check (on_remote_delete ~ '^(ignore|delete|soft_delete:.+)$'),
  on_local_delete   text        not null default 'delete' check (on_local_delete ~ '^(ignore|delete|soft_delete:.+)$'),
  on_detach         text        not null default 'ignore' check (on_detach in ('ignore', 'delete')),
  max_delete_ratio  numeric     not null default 0.2 check (max_delete_ratio between 0 and 1),
  match_on          text[],
  max_attempts      integer     not null default 8 check (max_attempts > 0),
  retry_base        interval    not null default '1 s' check (retry_base > '0'),
  retry_cap         interval    not null default '5 min' check (retry_cap > '0'),
  priority          integer     not null default 0,
  after_run         text,
  invalidate        jsonb,
  read              jsonb,
  item_type         text,
  lineage           boolean     not null default true,
  log_rows          boolean     not null default false,
  claims            jsonb,

  shape             text,
  partitions        oid[]       not null default '{}',
  generation        integer     not null default 0,
  first_read_at     timestamptz,
  activated_at      timestamptz,
  created_by        text,
  created_at        timestamptz not null default now(),
  updated_at        timestamptz not null default now(),

  constraint mappings_name_unique_in_org unique (org_id, name),
  constraint mappings_id_in_org unique (org_id, id),
  constraint mappings_pause_has_reason check ((state = 'paused') = (paused_at is not null)),
  foreign key (org_id, connection_id) references tideway.connections (org_id, id)
);

create index if not exists mappings_connection_id_idx on tideway.mappings (connection_id);
create index if not exists mappings_local_table_idx on tideway.mappings (local_table);

create table if not exists tideway.mapping_columns (
  mapping_id   uuid     not null,
  org_id       text     not null,
  ordinal      integer  not null,
  local        text     not null,
  remote       text     not null,
  field        text     not null,
  type         text     not null default 'string',
  local_type   text     not null,
  authority    text     check (authority in ('source_of_truth', 'reference', 'derived')),
  priority     integer  not null default 0,
  conflict     text     check (conflict ~ '^(remote|local|delta|manual|newest:.+)$'),
  direction    text     not null check (direction in ('pull', 'push', 'both', 'none')),
  is_key       boolean  not null default false,
  is_remote_id boolean  not null default false,
  in_transform   text,
  out_transform  text,
  references_mapping text,
  -- "in" and "out" are reserved words, so the two transforms carry longer names.
  primary key (mapping_id, ordinal),
  constraint mapping_columns_local_once unique (mapping_id, local),
  constraint mapping_columns_field_once unique (mapping_id, field),
  foreign key (org_id, mapping_id) references tideway.mappings (org_id, id) on delete cascade
);

-- The SQL that a mapping compiles to; explain_mapping prints it and the engine runs it.
create table if not exists tideway_private.statements (
  mapping     integer not null references tideway.mappings (number) on delete cascade,
  org_id      text    not null,
  kind        text    not null,
  generation  integer not null,
  sql         text    not null,
  primary key (mapping, kind)
);

reset role;

--! split: 035-fields.sql
-- How often a column got a new meaning, so that an image of an earlier one is never read for it.
set local role tideway_owner;

create table if not exists tideway_private.used_fields (
  mapping  integer not null references tideway.mappings (number) on delete cascade,
  org_id   text    not null,
  local    text    not null,
  number   integer not null check (number > 0),
  primary key (mapping, local)
);

alter table tideway.mapping_columns
  add column if not exists wanted_direction text check (wanted_direction in ('pull', 'push', 'both'));

reset role;

--! split: 040-engine.sql
-- The workings: links, outbox, batches in flight, retries, re-reads, deletions, requests, positions.
set local role tideway_owner;

-- One order for all that happens between Tideway and the apps: when a request starts, when an answer is stored.
create sequence if not exists tideway_private.moments;

create table if not exists tideway_private.links (
  id             bigint      generated always as identity primary key,
  mapping        integer     not null references tideway.mappings (number),
  org_id         text        not null,
  local_key      text        collate "C",
  remote_id      text        collate "C",
  lane           smallint    not null check (lane between 0 and 15),

  -- What the local row was, and where the remote record differed from it, when both last agreed.
  local_image    jsonb       not null default '{}',
  remote_diff    jsonb       not null default '{}',

  -- What is being written to the app and has not been seen there yet.
  sent           jsonb,
  sent_local     jsonb,
  sent_before    jsonb,
  sent_op        text        check (sent_op in ('create', 'update', 'delete')),
  sent_no        bigint,
  sent_until     timestamptz,
  answered_at    bigint,
  visible_from   timestamptz,
  resent         smallint    not null default 0,

  -- What a person decided about conflicts, by field, until a merge has carried it out.
  decisions      jsonb,

  touched_at     bigint      not null default 0,
  local_gone_at  timestamptz,
  remote_gone_at timestamptz,
  dormant        boolean     not null default false,
  rewrites       smallint    not null default 0,
  rewrites_since timestamptz,
  pulled_at      timestamptz,
  created_run    uuid,
  synced_at      timestamptz,

  constraint links_has_a_side check (local_key is not null or remote_id is not null)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

create unique index if not exists links_mapping_local_key_idx
  on tideway_private.links (mapping, local_key) where local_gone_at is null or remote_gone_at is null;
create unique index if not exists links_mapping_remote_id_idx
  on tideway_private.links (mapping, remote_id) where remote_id is not null;
create index if not exists links_sent_idx
  on tideway_private.links (mapping, id) where sent is not null;

create table if not exists tideway_private.outbox (
  mapping    integer     not null,
  local_key  text        collate "C" not null,
  lane       smallint    not null,
  seq        bigint      generated always as identity,
  op         smallint    not null default 0,
  xid        xid8,
  marked_at  timestamptz not null default clock_timestamp(),
  changed_at timestamptz not null default clock_timestamp(),
  org_id     text        not null,
  primary key (mapping, local_key)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

create index if not exists outbox_mapping_seq_idx on tideway_private.outbox (mapping, seq);

create table if not exists tideway_private.in_flight (
  id           bigint      generated always as identity primary key,
  mapping      integer     not null,
  org_id       text        not null,
  lanes        integer     not null,
  epoch        bigint      not null,
  claimed_at   timestamptz not null default clock_timestamp(),
  prepared_at  timestamptz,
  keys         text[]      not null,
  ops          smallint[]  not null,
  xids         xid8[]      not null,
  marked_ats   timestamptz[] not null,
  link_ids     bigint[]
);

create index if not exists in_flight_mapping_idx on tideway_private.in_flight (mapping);

create table if not exists tideway_private.waiting (
  mapping            integer     not null,
  local_key          text        collate "C" not null,
  org_id             text        not null,
  reason             text        not null check (reason in ('retry', 'failed', 'paused', 'conflict', 'dependency', 'flapping')),
  due_at             timestamptz,
  op                 smallint    not null default 0,
  marked             boolean     not null default true,
  attempts_started   integer     not null default 0,
  attempts_finished  integer     not null default 0,
  since              timestamptz not null default clock_timestamp(),
  primary key (mapping, local_key)
);

create index if not exists waiting_due_at_idx on tideway_private.waiting (due_at) where due_at is not null;

create table if not exists tideway_private.key_moves (
  id       bigint generated always as identity primary key,
  mapping  integer not null,
  org_id   text    not null,
  old_key  text    collate "C" not null,
  new_key  text    collate "C" not null,
  xid      xid8
);

create index if not exists key_moves_mapping_idx on tideway_private.key_moves (mapping, id);

create table if not exists tideway_private.rereads (
  mapping    integer     not null,
  remote_id  text        collate "C" not null,
  org_id     text        not null,
  reason     text        not null,
  compare    boolean     not null default false,
  since      timestamptz not null default clock_timestamp(),
  due_at     timestamptz not null default clock_timestamp(),
  attempts   integer     not null default 0,
  primary key (mapping, remote_id)
);

create index if not exists rereads_due_at_idx on tideway_private.rereads (mapping, due_at);

create table if not exists tideway_private.deletions (
  id           bigint      generated always as identity primary key,
  mapping      integer     not null,
  org_id       text        not null,
  link_id      bigint      not null references tideway_private.links (id) on delete cascade,
  gone_side    text        not null check (gone_side in ('local', 'remote')),
  run_id       uuid,
  state        text        not null default 'pending'
                           check (state in ('pending', 'held', 'released', 'done', 'withdrawn')),
  found_at     timestamptz not null default clock_timestamp(),
  decided_at   timestamptz,
  decided_by   text
);

create unique index if not exists deletions_open_idx
  on tideway_private.deletions (link_id) where state in ('pending', 'held', 'released');
create index if not exists deletions_mapping_state_idx on tideway_private.deletions (mapping, gone_side, state, found_at);

create table if not exists tideway_private.cursors (
  mapping      integer     primary key references tideway.mappings (number) on delete cascade,
  org_id       text        not null,
  cursor       jsonb,
  run_id       uuid,
  page         integer     not null default 0,
  read_at      timestamptz,
  complete_at  timestamptz
);

create unlogged table if not exists tideway_private.seen_ids (
  run_id     uuid not null,
  remote_id  text collate "C" not null,
  primary key (run_id, remote_id)
);

create table if not exists tideway_private.requests (
  id            bigint      generated always as identity primary key,
  org_id        text        not null,
  kind          text        not null,
  mapping       integer,
  connection    integer,
  args          jsonb       not null default '{}',
  run_id        uuid,
  requested_by  text,
  requested_at  timestamptz not null default clock_timestamp()
);

create table if not exists tideway_private.leases (
  connection  integer     primary key references tideway.connections (number) on delete cascade,
  org_id      text        not null,
  owner       text        not null,
  epoch       bigint      not null,
  expires_at  timestamptz not null
);

create sequence if not exists tideway_private.epochs;

create table if not exists tideway_private.positions (
  slot               name        primary key,
  system_identifier  text        not null,
  timeline           integer     not null default 1,
  lsn                pg_lsn      not null,
  epoch              bigint      not null,
  owner              text        not null default '',
  updated_at         timestamptz not null default clock_timestamp()
);

reset role;

--! split: 045-follow.sql
-- What the follower saw of each table when it last looked: a difference means that changes may have been missed.
set local role tideway_owner;

create table if not exists tideway_private.followed (
  slot         name        not null,
  relation     oid         not null,
  member       oid         not null,
  key_columns  text[]      not null,
  key_source   text        not null,
  partitions   jsonb       not null default '{}',
  seen_at      timestamptz not null default clock_timestamp(),
  primary key (slot, relation)
);

reset role;

--! split: 046-tokens.sql
-- Secrets that an app itself gave out (rotated refresh tokens, webhook secrets); sealed with a key that only daemons have.
set local role tideway_owner;

create table if not exists tideway_private.tokens (
  connection  integer     not null references tideway.connections (number) on delete cascade,
  org_id      text        not null,
  name        text        not null,
  sealed      text        not null check (sealed like 'sealed:v1:%'),
  stored_at   timestamptz not null default clock_timestamp(),
  primary key (connection, name)
);

reset role;

--! split: 050-activity.sql
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

--! split: 055-errors.sql
-- What errors and requests need beside 050: runs that wait for the daemon, and records that have no id.
set local role tideway_owner;

-- SQL asks for a run and the daemon starts it, so a run waits as 'pending' between the two.
alter table tideway.sync_runs drop constraint if exists sync_runs_status_check;
alter table tideway.sync_runs add constraint sync_runs_status_check
  check (status in ('pending', 'running', 'completed', 'completed_with_errors', 'failed', 'interrupted', 'cancelled'));
alter table tideway.sync_runs drop constraint if exists sync_runs_ended_when_not_running;
alter table tideway.sync_runs add constraint sync_runs_ended_when_not_running
  check ((status in ('pending', 'running')) = (completed_at is null));

-- Both sides may count in integers, so a local key and a remote id never stand for the same row by their text alone;
-- a record without either is told from its neighbours by its position.
alter table tideway.sync_errors add column if not exists row_identity text collate "C" generated always as (
  case direction
    when 'push' then coalesce('l' || local_key, 'r' || remote_id, '@' || "row"::text, '')
    else coalesce('r' || remote_id, 'l' || local_key, '@' || "row"::text, '')
  end) stored;

drop index if exists tideway.sync_errors_open_idx;
create unique index sync_errors_open_idx on tideway.sync_errors
  (mapping_id, direction, row_identity, (coalesce("column", '')), code) where resolved_at is null;

reset role;

--! split: 060-lists.sql
-- Sync lists, saved patterns, previews, retention.
set local role tideway_owner;

create table if not exists tideway.saved_search_patterns (
  id             uuid        primary key default gen_random_uuid(),
  org_id         text        not null,
  user_id        text,
  name           text        not null check (name <> ''),
  description    text,
  direction      text        not null check (direction ~ '^([a-z_]+-to-[a-z_]+|bidirectional)$'),
  filter_config  jsonb       not null default '{}' check (jsonb_typeof(filter_config) = 'object'),
  created_at     timestamptz not null default now(),
  updated_at     timestamptz not null default now(),
  constraint saved_search_patterns_name_once unique nulls not distinct (org_id, user_id, name)
);

create table if not exists tideway.sync_list (
  id                uuid        primary key default gen_random_uuid(),
  org_id            text        not null,
  user_id           text,
  item_type         text        not null,
  source_platform   text        not null,
  target_platform   text        not null,
  source_id         text        not null,
  target_id         text,
  source_mapping    text,
  target_mapping    text,
  sync_mode         text        not null default 'delta' check (sync_mode in ('delta', 'full')),
  is_active         boolean     not null default true,
  fields            text[],
  schedule          text,
  priority          integer     not null default 0,
  last_synced_at    timestamptz,
  last_sync_status  text        check (last_sync_status in ('pending', 'success', 'failed')),
  error_message     text,
  filter_config     jsonb,
  metadata          jsonb       not null default '{}',
  created_at        timestamptz not null default now(),
  updated_at        timestamptz not null default now(),
  constraint sync_list_item_once unique nulls not distinct (org_id, user_id, item_type, source_platform, target_platform, source_id)
);

create index if not exists sync_list_source_idx on tideway.sync_list (org_id, source_platform, item_type, source_id) where is_active;

create table if not exists tideway.sync_preview_cache (
  id           uuid        primary key default gen_random_uuid(),
  org_id       text        not null,
  sync_type    text        not null,
  mapping_id   uuid,
  cache_key    text        not null,
  delta_json   jsonb       not null,
  computed_by  text,
  computed_at  timestamptz not null default now(),
  created_at   timestamptz not null default now(),
  expires_at   timestamptz not null default now() + interval '1 hour',
  constraint sync_preview_cache_key_in_org unique (org_id, cache_key)
);

create index if not exists sync_preview_cache_expires_at_idx on tideway.sync_preview_cache (expires_at);

create table if not exists tideway.retention (
  kind   text     primary key check (kind in ('activity', 'lineage', 'runs', 'errors', 'conflicts', 'statistics', 'progress')),
  keep   interval not null check (keep >= '1 day')
);

insert into tideway.retention (kind, keep)
values ('activity', '30 days'), ('lineage', '30 days'), ('runs', '30 days'), ('errors', '30 days'),
       ('conflicts', '30 days'), ('progress', '30 days'), ('statistics', '400 days')
on conflict do nothing;

reset role;

--! split: 065-statistics.sql
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
