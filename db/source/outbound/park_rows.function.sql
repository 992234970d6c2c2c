create or replace function tideway_private.park_rows(map tideway.mappings, keys text[], ops smallint[], reason text, due_at timestamptz)
returns void
language sql
volatile
set search_path = ''
as $$
  insert into tideway_private.waiting as w (mapping, local_key, org_id, reason, due_at, op)
  select map.number, x.key, map.org_id, park_rows.reason, park_rows.due_at, x.op
    from unnest(keys, ops) as x (key, op)
   order by x.key collate "C"
  on conflict on constraint waiting_pkey do update
     set reason = case when w.reason in ('retry', 'dependency') then excluded.reason else w.reason end,
         due_at = case when w.reason in ('retry', 'dependency') then excluded.due_at else w.due_at end,
         op = w.op | excluded.op,
         marked = true
$$;

comment on function tideway_private.park_rows(tideway.mappings, text[], smallint[], text, timestamptz) is
  'Lets rows wait outside the outbox until a moment or an event; the counts of attempts stay.';
