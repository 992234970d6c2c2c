create or replace function tideway_private.list_item_states(items jsonb)
returns table (id uuid, status text, error text, target_id text, created boolean)
language sql
stable
set search_path = ''
as $$
  select i.id,
         case
           when r.remote_id is not null and r.attempts < 3 then 'pending'
           when s.local_key is null then 'failed'
           when w.reason in ('failed', 'conflict', 'flapping', 'paused') then 'failed'
           when w.reason is not null or t.sent is not null
             or exists (select from tideway_private.requests q where q.kind = 'mark' and q.mapping = i.target)
             or exists (select from tideway_private.outbox o where o.mapping = i.target and o.local_key = s.local_key)
             or exists (select from tideway_private.in_flight f where f.mapping = i.target and s.local_key = any (f.keys)) then 'pending'
           when t.remote_id is not null and t.remote_gone_at is null then 'success'
           when t.remote_gone_at is not null then 'failed'
           else 'pending'
         end,
         case
           when s.local_key is null then coalesce(
             (select e.message from tideway.sync_errors e join tideway.mappings m on m.id = e.mapping_id
               where m.number = i.source and e.remote_id = i.source_id and e.resolved_at is null order by e.last_seen_at desc limit 1),
             'The record is not in the table of the source mapping.')
           when w.reason in ('failed', 'conflict', 'flapping', 'paused') then coalesce(
             (select e.message from tideway.sync_errors e join tideway.mappings m on m.id = e.mapping_id
               where m.number = i.target and e.local_key = s.local_key and e.resolved_at is null order by e.last_seen_at desc limit 1),
             'The row waits: ' || w.reason || '.')
           when t.remote_gone_at is not null then 'The record is gone in the target; tideway.replay(mapping, key) makes it anew.'
         end,
         t.remote_id,
         i.target_id is null
    from pg_catalog.jsonb_to_recordset(items) as i (id uuid, source integer, source_id text, target integer, target_id text)
    left join tideway_private.links s on s.mapping = i.source and s.remote_id = i.source_id and s.local_gone_at is null and s.remote_gone_at is null
    left join tideway_private.rereads r on r.mapping = i.source and r.remote_id = i.source_id
    left join tideway_private.links t on t.mapping = i.target and t.local_key = s.local_key and t.local_gone_at is null
    left join tideway_private.waiting w on w.mapping = i.target and w.local_key = s.local_key
$$;

comment on function tideway_private.list_item_states(jsonb) is
  'How far list items have come on their way from the source over the table to the target: pending, success or failed with the reason.';
