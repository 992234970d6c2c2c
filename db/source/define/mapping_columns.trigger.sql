create or replace trigger _100_guard
  before insert or update or delete on tideway.mapping_columns
  for each row
  execute function tideway_private.tg_mapping_columns__guard();
