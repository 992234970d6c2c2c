create or replace trigger _300_fill_duration
  before insert on tideway.sync_activity_log
  for each row
  when ((new.duration_ms is null) <> (new.duration_seconds is null))
  execute function tideway_private.tg_sync_activity_log__fill_duration();
