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
