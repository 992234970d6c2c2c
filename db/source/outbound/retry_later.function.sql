create or replace function tideway_private.retry_later(map tideway.mappings, batch tideway_private.in_flight, outcomes jsonb)
returns void
language sql
volatile
set search_path = ''
as $$
  -- Full jitter below a cap; what the app asked for is the least. Limits, lost logins and an app that cannot be reached
  -- are not the row's fault and do not count.
  with again as (
    select x.key, x.op, o.result, o.class, o.retry_after_ms, l.sent_until,
           coalesce(w.attempts_finished, 0) + case when o.class in ('RATE_LIMIT', 'AUTH_ERROR') or o.class = 'NETWORK_ERROR' and o.result = 'retry' or o.result in ('missing', 'found') then 0 else 1 end as finished
      from pg_catalog.jsonb_to_recordset(outcomes) as o (link_id bigint, result text, class text, retry_after_ms bigint)
      join unnest(batch.keys, batch.ops, batch.link_ids) as x (key, op, link) on x.link = o.link_id
      left join tideway_private.links l on l.id = o.link_id
      left join tideway_private.waiting w on w.mapping = map.number and w.local_key = x.key
     where o.result in ('refused', 'retry', 'uncertain', 'conflict', 'missing', 'found')
  )
  insert into tideway_private.waiting as w (mapping, local_key, org_id, reason, due_at, op, attempts_started, attempts_finished)
  select map.number, a.key, map.org_id,
         case when a.result = 'refused' or a.finished >= map.max_attempts then 'failed' else 'retry' end,
         case when a.result = 'refused' or a.finished >= map.max_attempts then null
              when a.result in ('missing', 'found') then pg_catalog.clock_timestamp()
              else greatest(
                pg_catalog.clock_timestamp() + coalesce(a.retry_after_ms, 0) * interval '1 ms',
                pg_catalog.clock_timestamp() + pg_catalog.random() * least(map.retry_cap, map.retry_base * pg_catalog.power(2, least(a.finished, 20))),
                -- A request without an answer may still land; nothing is sent again before its longest life is over.
                case when a.result = 'uncertain' then a.sent_until end) end,
         a.op, a.finished, a.finished
    from again a
   order by a.key collate "C"
  on conflict on constraint waiting_pkey do update
     set reason = case when w.reason in ('paused', 'conflict', 'flapping') then w.reason else excluded.reason end,
         due_at = case when w.reason in ('paused', 'conflict', 'flapping') then null else excluded.due_at end,
         op = w.op | excluded.op,
         marked = true,
         -- An answer of any kind clears a row of the suspicion that it kills daemons.
         attempts_started = excluded.attempts_finished,
         attempts_finished = excluded.attempts_finished
$$;

comment on function tideway_private.retry_later(tideway.mappings, tideway_private.in_flight, jsonb) is
  'Lets rows that did not make it wait with back-off, or marks them failed when their attempts are used up.';
