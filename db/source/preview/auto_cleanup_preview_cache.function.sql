create or replace function tideway.auto_cleanup_preview_cache()
returns tideway.cleanup_result
language sql
volatile
set search_path = ''
as $$
  with gone as (
    delete from tideway.sync_preview_cache p where p.expires_at <= now() returning 1
  )
  select row((select count(*)::integer from gone))::tideway.cleanup_result
$$;

comment on function tideway.auto_cleanup_preview_cache() is
'Deletes expired previews of the caller''s organisation; maintain() does so for all.

  select deleted_count from tideway.auto_cleanup_preview_cache();';
