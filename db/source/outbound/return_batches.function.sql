create or replace function tideway_private.return_batches(connection integer, epoch bigint, mapping integer default null)
returns integer
language sql
volatile
set search_path = ''
-- These tables are empty at most times, and then a plan that reads all of one looks cheapest; it is kept until they are full.
set enable_seqscan = off
as $$
  -- What was prepared may have been sent, at the latest when the lease ran out: it counts as a started attempt,
  -- and from now on waits for the longest life of its request.
  with gone as (
    delete from tideway_private.in_flight f
     using tideway.mappings m
      join tideway.connections c on c.id = m.connection_id
     where m.number = f.mapping
       and c.number = return_batches.connection
       and (f.epoch < return_batches.epoch
            or f.mapping = return_batches.mapping and f.epoch = return_batches.epoch)
    returning f.*
  ), uncertain as (
    update tideway_private.links l
       set sent_until = pg_catalog.clock_timestamp() + greatest(l.sent_until - g.prepared_at, '0')
      from gone g
     where g.prepared_at is not null
       and l.id = any (g.link_ids)
       and l.sent is not null
       and l.answered_at is null
    returning l.mapping, l.local_key, l.sent_until
  ), back as (
    insert into tideway_private.waiting as w (mapping, local_key, org_id, reason, due_at, op, attempts_started)
    select g.mapping, x.key, g.org_id, 'retry',
           greatest(pg_catalog.clock_timestamp(), u.sent_until),
           x.op, case when g.prepared_at is null then 0 else 1 end
      from gone g
     cross join lateral unnest(g.keys, g.ops) as x (key, op)
      left join uncertain u on u.mapping = g.mapping and u.local_key = x.key
     order by g.mapping, x.key collate "C"
    on conflict on constraint waiting_pkey do update
       set attempts_started = w.attempts_started + excluded.attempts_started,
           op = w.op | excluded.op,
           marked = true,
           -- The third daemon in a row that dies over a row was killed by it.
           reason = case when w.attempts_started + excluded.attempts_started - w.attempts_finished >= 3 and w.reason in ('retry', 'dependency')
                         then 'failed' else w.reason end,
           due_at = case when w.attempts_started + excluded.attempts_started - w.attempts_finished >= 3 or w.reason not in ('retry', 'dependency')
                         then null else excluded.due_at end
    returning w.mapping, w.local_key, w.reason
  ), told as (
    select tideway_private.record_errors(b.mapping, null, 'push', pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
             'local_key', b.local_key, 'class', 'INTERNAL', 'code', 'INTERNAL',
             'message', 'The daemon stopped three times while it was writing this row')))
      from back b
     where b.reason = 'failed'
     group by b.mapping
  )
  select pg_catalog.count(*)::integer + 0 * coalesce((select pg_catalog.count(*) from told), 0)::integer from back
$$;

comment on function tideway_private.return_batches(integer, bigint, integer) is
'Gives back the batches of a dead owner; called by the next one right after it has taken the lease.

With a mapping also its batches of this epoch: those of a worker that failed between claim and answer.';
