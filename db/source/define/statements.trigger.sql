create or replace trigger _100_guard
  before insert or update or delete on tideway_private.statements
  for each row
  execute function tideway_private.tg_statements__guard();
