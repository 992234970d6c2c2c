create or replace function tideway_private.tg_sync_preview_cache__replace_older()
returns trigger
language plpgsql
volatile
set search_path = ''
as $$
begin
  -- Two who store the same preview at once take turns, so that a plain insert never fails on the key.
  perform pg_advisory_xact_lock(hashtextextended('tideway.preview ' || new.org_id || ' ' || new.cache_key, 0));
  delete from tideway.sync_preview_cache p where p.org_id = new.org_id and p.cache_key = new.cache_key;
  return new;
end;
$$;

comment on function tideway_private.tg_sync_preview_cache__replace_older() is
  'Deletes the older preview of the same organisation and key, so that a plain insert replaces it.';
