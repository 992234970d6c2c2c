create or replace function tideway.scheduled_sync()
returns uuid
language sql
volatile
set search_path = ''
as $$
  select tideway_private.ask_scheduled_list(tideway.current_org_id())
$$;

comment on function tideway.scheduled_sync() is
'Asks for every active item of the sync list that the caller may see to be synced, as a run for each person and one over all; returns the latter''s id at once.

tideway.sync_answer(run) tells the totals and each person''s result. For a cron job of your own; items with a schedule need none.

  select tideway.scheduled_sync();';
