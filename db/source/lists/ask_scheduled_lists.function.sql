create or replace function tideway_private.ask_scheduled_lists(org_id text default null)
returns uuid[]
language sql
volatile
set search_path = ''
as $$
  select coalesce(array_agg(tideway_private.ask_scheduled_list(o.org_id) order by o.org_id), '{}')
    from tideway.organisations o
   where case when ask_scheduled_lists.org_id is null
           then exists (select from tideway.sync_list s where s.org_id = o.org_id and s.is_active)
           else o.org_id = ask_scheduled_lists.org_id end
$$;

comment on function tideway_private.ask_scheduled_lists(text) is
  'Starts a scheduled sync of one organisation, or of every one that has list items. Returns the run over each.';
