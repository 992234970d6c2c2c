create or replace function tideway_private.store_preview(
  mapping      integer,
  delta        jsonb,
  run          uuid default null,
  computed_by  text default null,
  now          timestamptz default clock_timestamp()
)
returns uuid
language sql
volatile
set search_path = ''
as $$
  insert into tideway.sync_preview_cache
    (org_id, sync_type, mapping_id, cache_key, delta_json, computed_by, computed_at, created_at, expires_at)
  select m.org_id, c.system, m.id, tideway_private.preview_key(m.number),
         store_preview.delta || case when store_preview.run is null then '{}' else jsonb_build_object('run_id', store_preview.run) end,
         store_preview.computed_by, store_preview.now, store_preview.now, store_preview.now + interval '1 hour'
    from tideway.mappings m
    join tideway.connections c on c.id = m.connection_id
   where m.number = store_preview.mapping
  returning id
$$;

comment on function tideway_private.store_preview(integer, jsonb, uuid, text, timestamptz) is
'Caches the preview of a mapping for an hour, in place of an older one; returns its id.

delta holds creates, updates, deletions and errors: {"creates": […], "updates": [{"key": …, "fields": {"name": {"from": …, "to": …}}}], "deletions": […], "errors": […], "counts": {…}}.';
