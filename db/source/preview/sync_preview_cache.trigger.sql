create or replace trigger _100_replace_older
  before insert on tideway.sync_preview_cache
  for each row
  execute function tideway_private.tg_sync_preview_cache__replace_older();
