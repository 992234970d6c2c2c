create or replace trigger _100_guard
  before insert or update or delete on tideway.mappings
  for each row
  execute function tideway_private.tg_mappings__guard();
