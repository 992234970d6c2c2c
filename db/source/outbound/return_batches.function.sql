create or replace function tideway_private.return_batches(connection integer, epoch bigint)
returns integer
language sql
volatile
set search_path = ''
as $$
  -- What was prepared may have been sent: it counts as a started attempt, and waits for the longest life of its request.
  with gone as (
    delete from tideway_private.in_flight f
     using tideway.mappings m
      join tideway.connections c on c.id = m.connection_id
     where m.number = f.mapping
       and c.number = return_batches.connection
       and f.epoch < return_batches.epoch
    returning f.*
  ), back as (
    insert into tideway_private.waiting as w (mapping, local_key, org_id, reason, due_at, op, attempts_started)
    select g.mapping, x.key, g.org_id, 'retry',
           greatest(pg_catalog.clock_timestamp(), (select pg_catalog.max(l.sent_until) from tideway_private.links l
                                                     where l.mapping = g.mapping and l.local_key = x.key and l.sent is not null and l.answered_at is null)),
           x.op, case when g.prepared_at is null then 0 else 1 end
      from gone g
     cross join lateral unnest(g.keys, g.ops) as x (key, op)
     order by g.mapping, x.key collate "C"
    on conflict on constraint waiting_pkey do update
       set attempts_started = w.attempts_started + excluded.attempts_started,
           op = w.op | excluded.op,
           marked = true,
           due_at = case when w.reason in ('retry', 'dependency') then excluded.due_at else w.due_at end
    returning 1
  )
  select pg_catalog.count(*)::integer from back
$$;

comment on function tideway_private.return_batches(integer, bigint) is
  'Gives back the batches of a dead owner; called by the next one right after it has taken the lease.';
