create or replace trigger _900_show_progress
  after insert or update of status, total_items, rows_processed, rows_failed on tideway.sync_runs
  for each row
  execute function tideway_private.tg_sync_runs__show_progress();
