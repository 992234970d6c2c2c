create or replace function tideway_private.note_lost_writes(map tideway.mappings, links bigint[], resend jsonb[])
returns jsonb
language sql
volatile
set search_path = ''
as $$
  with lost as (
    select x.link, array(select pg_catalog.jsonb_array_elements_text(x.fields)) as fields, l.resent > 1 and l.answered_at is not null as twice, l.local_key, l.remote_id
      from unnest(links, resend) as x (link, fields)
      join tideway_private.links l on l.id = x.link
     where x.fields is not null
  ), counted as (
    update tideway_private.links l
       -- Of a write without an answer a read tells every time anew: it may go again.
       set resent = case when o.twice then 0 when l.answered_at is null then 1 else greatest(l.resent, 1) end,
           sent = case when o.twice then nullif(l.sent - o.fields, '{}') else l.sent end,
           sent_local = case when o.twice then nullif(l.sent_local - o.fields, '{}') else l.sent_local end,
           sent_before = case when o.twice then nullif(l.sent_before - o.fields, '{}') else l.sent_before end,
           sent_op = case when o.twice and l.sent - o.fields = '{}' then null else l.sent_op end
      from lost o
     where l.id = o.link
    returning 1
  ), parked as (
    insert into tideway_private.waiting as w (mapping, local_key, org_id, reason, marked)
    select map.number, o.local_key, map.org_id, 'failed', false
      from lost o
     where o.twice and o.local_key is not null
    on conflict on constraint waiting_pkey do update set reason = 'failed', due_at = null
    returning 1
  )
  -- An error of the push, though a read found it: the next push that succeeds closes it.
  select case when tideway_private.record_errors(map.number, null, 'push', pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
           'remote_id', o.remote_id, 'local_key', o.local_key, 'column', c.local, 'class', 'CONFLICT', 'code', 'WRITE_NOT_KEPT',
           'message', pg_catalog.format('The app took our value for "%s" twice and shows the old one again', c.remote)))) >= 0
              then '[]'::jsonb end
    from lost o
   cross join lateral unnest(o.fields) as f
    join tideway.mapping_columns c on c.mapping_id = map.id and c.field = f
   where o.twice
$$;

comment on function tideway_private.note_lost_writes(tideway.mappings, bigint[], jsonb[]) is
  'Counts writes of ours that an app did not keep, and records an error of the push for those lost twice; returns none of the page''s own.';
