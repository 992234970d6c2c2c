create or replace trigger _500_insert
  instead of insert on tideway.field_lineage
  for each row
  execute function tideway_private.tg_field_lineage__insert();
