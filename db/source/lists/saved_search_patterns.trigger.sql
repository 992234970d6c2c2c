create or replace trigger _300_touch_updated_at
  before update on tideway.saved_search_patterns
  for each row
  execute function tideway_private.tg__touch_updated_at();

create or replace trigger _900_ask_refilter
  after insert or delete or update of name, filter_config on tideway.saved_search_patterns
  for each row
  execute function tideway_private.tg_saved_search_patterns__ask_refilter();
