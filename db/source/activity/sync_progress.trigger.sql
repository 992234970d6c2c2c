create or replace trigger _300_compute
  before insert or update on tideway.sync_progress
  for each row
  execute function tideway_private.tg_sync_progress__compute();

create or replace trigger _900_log_completion_of_insert
  after insert on tideway.sync_progress
  for each row
  when (new.completed_at is not null)
  execute function tideway_private.tg_sync_progress__log_completion();

create or replace trigger _900_log_completion
  after update on tideway.sync_progress
  for each row
  when (new.completed_at is not null and old.completed_at is null)
  execute function tideway_private.tg_sync_progress__log_completion();

create or replace trigger _910_tell
  after insert or update on tideway.sync_progress
  for each row
  execute function tideway_private.tg_sync_progress__tell();
