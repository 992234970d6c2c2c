create or replace function tideway_private.last_tried(item tideway.sync_list)
returns timestamptz
language sql
stable
set search_path = ''
as $$
  select case when (item).last_sync_status in ('failed', 'pending') then greatest((item).updated_at, (item).last_synced_at) else (item).last_synced_at end
$$;

comment on function tideway_private.last_tried(tideway.sync_list) is
  'When a list item was last tried; null when it never was. One that failed waits for its schedule like any other.';
