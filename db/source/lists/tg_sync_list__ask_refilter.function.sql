create or replace function tideway_private.tg_sync_list__ask_refilter()
returns trigger
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform tideway_private.ask_refilter(array(select row(c.*)::tideway.sync_list from changed c));
  return null;
end;
$$;

comment on function tideway_private.tg_sync_list__ask_refilter() is
  'Asks that mappings which keep only listed rows look again at the rows whose item was added, changed or removed: one request per mapping and statement.';
