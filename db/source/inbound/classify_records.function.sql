create or replace function tideway_private.classify_records(map tideway.mappings, asked bigint, asked_at timestamptz, ids text[], deleted boolean[], locked bigint[])
returns table (n integer, link_id bigint, local_key text, verdict text, settled boolean)
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
begin
  return query
  select x.n::integer,
         l.id,
         l.local_key,
         case
           when l.id is null and x.deleted then 'nothing'
           when l.id is null then 'unknown'
           when k.id is null then 'locked'
           when l.touched_at > asked then 'stale'
           when w.reason = 'paused' then 'paused'
           -- The key lives on under another link: as its record, which this one duplicates, or as a create whose answer will
           -- say whether this is it.
           when n.id is not null then case when x.deleted then 'nothing' when n.remote_id is null then 'stale' else 'unknown' end
           when x.deleted then case when l.remote_gone_at is null then 'gone' else 'nothing' end
           when l.dormant then 'dormant'
           when l.local_key is null then 'unknown'
           else 'linked'
         end,
         -- A write counts as seen only by a read that was asked for after the app could show it.
         case
           when l.sent is null then true
           when exists (select from tideway_private.in_flight f where f.mapping = map.number and l.local_key = any (f.keys)) then false
           when l.answered_at is null then asked_at > l.sent_until
           else asked > l.answered_at and asked_at >= l.visible_from
         end
    from unnest(ids, deleted) with ordinality as x (id, deleted, n)
    left join tideway_private.links l on l.mapping = map.number and l.remote_id = x.id
    left join unnest(locked) as k (id) on k.id = l.id
    left join tideway_private.row_links n
      on l.local_gone_at is not null and l.remote_gone_at is not null
     and n.mapping = map.number and n.local_key = l.local_key
    left join tideway_private.waiting w on w.mapping = map.number and w.local_key = l.local_key and w.reason = 'paused';
end;
$$;

comment on function tideway_private.classify_records(tideway.mappings, bigint, timestamptz, text[], boolean[], bigint[]) is
  'What may be done now with each record of a page, by the state of its link.';
