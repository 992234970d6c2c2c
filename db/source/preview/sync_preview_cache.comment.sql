comment on table tideway.sync_preview_cache is
'Previews, for an hour. A plain insert replaces the older one of the same organisation and cache_key.';
comment on column tideway.sync_preview_cache.id is 'The preview.';
comment on column tideway.sync_preview_cache.org_id is 'The organisation.';
comment on column tideway.sync_preview_cache.sync_type is 'The app.';
comment on column tideway.sync_preview_cache.mapping_id is 'The mapping.';
comment on column tideway.sync_preview_cache.cache_key is 'The key, made from what decides the answer.';
comment on column tideway.sync_preview_cache.delta_json is 'Creates, updates with field differences, deletions and errors.';
comment on column tideway.sync_preview_cache.computed_by is 'Who asked for it.';
comment on column tideway.sync_preview_cache.computed_at is 'When it was computed.';
comment on column tideway.sync_preview_cache.created_at is 'When it was stored.';
comment on column tideway.sync_preview_cache.expires_at is 'Until when it counts as fresh.';
