create or replace function tideway_private.due_list_items(now timestamptz default now())
returns setof tideway.sync_list
language sql
stable
set search_path = ''
as $$
  select s.*
    from tideway.sync_list s
   where s.is_active
     -- What is under way is not asked for again, unless nobody came back to it.
     and (s.last_sync_status is distinct from 'pending' or s.updated_at < due_list_items.now - interval '1 hour')
     and case
           when s.schedule is null then false
           when tideway_private.fits(s.schedule, 'interval')
             then coalesce(tideway_private.last_tried(s) + s.schedule::interval <= due_list_items.now, true)
           else true
         end
   order by s.priority desc, s.last_synced_at nulls first, s.id
$$;

comment on function tideway_private.due_list_items(timestamptz) is
  'The items whose own schedule says now, the most important first. An interval is judged here; an item with a cron expression is returned always, and the daemon judges it.';
