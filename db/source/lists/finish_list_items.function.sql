create or replace function tideway_private.finish_list_items(results jsonb, now timestamptz default clock_timestamp())
returns integer
language sql
volatile
set search_path = ''
as $$
  with results as (
    select r.id, r.status, r.error, r.target_id, tideway_private.moment_of(r.source_changed_at) as source_changed_at
      from jsonb_to_recordset(finish_list_items.results) as r (id uuid, status text, error text, target_id text, source_changed_at text)
  ), locked as (
    select s.id from tideway.sync_list s where s.id in (select r.id from results r) order by s.id for no key update
  ), updated as (
    update tideway.sync_list s
       set last_sync_status = r.status,
           last_synced_at = case when r.status = 'success' then finish_list_items.now else s.last_synced_at end,
           source_changed_at = case when r.status = 'success' then r.source_changed_at else s.source_changed_at end,
           error_message = case r.status when 'failed' then r.error when 'pending' then s.error_message end,
           target_id = coalesce(r.target_id, s.target_id)
      from results r
      join locked k on k.id = r.id
     where s.id = r.id
       -- What stays pending keeps the time when it was asked for.
       and (r.status <> 'pending' or s.last_sync_status is distinct from 'pending')
    returning 1
  )
  select count(*)::integer from updated
$$;

comment on function tideway_private.finish_list_items(jsonb, timestamptz) is
  'Writes the results of list items: a list of {id, status: pending|success|failed, error, target_id, source_changed_at}. Returns how many changed.';
