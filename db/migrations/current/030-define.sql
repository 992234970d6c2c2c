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
