create or replace trigger _300_touch_updated_at
  before update on tideway.sync_list
  for each row
  execute function tideway_private.tg__touch_updated_at();

create or replace trigger _900_ask_refilter_of_insert
  after insert on tideway.sync_list
  referencing new table as changed
  for each statement
  execute function tideway_private.tg_sync_list__ask_refilter();

-- The row as it was: what left the list, or moved to another item, must be looked at as well. What it became is asked for below.
create or replace trigger _900_ask_refilter_of_delete
  after delete on tideway.sync_list
  referencing old table as changed
  for each statement
  execute function tideway_private.tg_sync_list__ask_refilter();

create or replace trigger _900_ask_refilter_of_update
  after update on tideway.sync_list
  referencing old table as former new table as present
  for each statement
  execute function tideway_private.tg_sync_list__ask_refilter_of_update();
