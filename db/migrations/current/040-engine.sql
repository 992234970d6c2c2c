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
