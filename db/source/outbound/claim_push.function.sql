create or replace function tideway_private.claim_push(mapping integer, epoch bigint, max_rows integer, lanes integer default 65535)
returns bigint
language plpgsql
volatile
set search_path = ''
-- These tables are empty at most times, and then a plan that reads all of one looks cheapest; it is kept until they are full.
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  v_map       tideway.mappings;
  v_busy      integer;
  v_snapshot  pg_snapshot;
  v_keys      text[];
  v_ops       smallint[];
  v_xids      xid8[];
  v_marked    timestamptz[];
  v_out       text[];
  v_suspects  text[];
  v_once      integer;
  v_batch     bigint;
begin
  -- A claim that dies with the server was never acted upon: before anything is sent, what is sent commits after it.
  perform set_config('synchronous_commit', 'off', true);
  v_map := tideway_private.begin_work(mapping, epoch);
  if v_map.state <> 'active' or v_map.direction = 'pull'
     or not exists (select from tideway.connections c where c.id = v_map.connection_id and c.state = 'active') then
    return null;
  end if;
  perform pg_advisory_xact_lock(tideway_private.lock_key('claim'), mapping);
  if v_map.shadow then
    perform tideway_private.record_shadow(v_map, epoch, max_rows);
    return null;
  end if;

  select coalesce(bit_or(f.lanes), 0) into v_busy from tideway_private.in_flight f where f.mapping = claim_push.mapping;
  lanes := lanes & ~v_busy;
  if lanes = 0 then
    return null;
  end if;

  -- A change can be read from the WAL before any snapshot shows it; such a mark waits for the next claim.
  v_snapshot := pg_current_snapshot();
  with moved as (
    delete from tideway_private.outbox o
     where o.ctid = any (array(
             select q.ctid
               from tideway_private.outbox q
              where q.mapping = claim_push.mapping
                and (lanes = 65535 or (1 << q.lane) & lanes <> 0)
                and (q.xid is null or pg_visible_in_snapshot(q.xid, v_snapshot))
                and (v_map.settle = '0' or q.changed_at <= clock_timestamp() - v_map.settle or q.op & 4 <> 0)
              order by q.seq
              limit max_rows
                for update skip locked))
    returning o.local_key, o.op, o.xid, o.marked_at
  )
  select array_agg(m.local_key order by m.local_key collate "C"), array_agg(m.op order by m.local_key collate "C"),
         array_agg(m.xid order by m.local_key collate "C"), array_agg(m.marked_at order by m.local_key collate "C")
    into v_keys, v_ops, v_xids, v_marked
    from moved m;
  if v_keys is null then
    return null;
  end if;

  -- A row in back-off stays there, whatever happens to it; a failed row that changes gets a new start.
  if exists (select from tideway_private.waiting w where w.mapping = claim_push.mapping and w.local_key = any (v_keys)) then
    -- In the order in which everybody locks them.
    perform from tideway_private.waiting w
      where w.mapping = claim_push.mapping and w.local_key = any (v_keys)
      order by w.local_key
        for update;
    v_out := array(select l.local_key
                     from tideway_private.row_links l
                    where l.mapping = claim_push.mapping and l.local_key = any (v_keys) and l.unanswered_until > clock_timestamp());
    with known as (
      update tideway_private.waiting w
         set op = w.op | k.op,
             marked = not k.goes,
             reason = case when w.reason = 'failed' then 'retry' else w.reason end,
             attempts_started = case when w.reason = 'failed' then 0 else w.attempts_started end,
             attempts_finished = case when w.reason = 'failed' then 0 else w.attempts_finished end
        from (select x.key, x.op,
                     q.reason = 'failed' or (q.reason in ('retry', 'dependency')
                       and (q.due_at is null or q.due_at <= clock_timestamp() or x.op & 4 <> 0 and x.key <> all (v_out))) as goes,
                     case when q.reason = 'failed' then 0 else q.attempts_started - q.attempts_finished end as deaths
                from unnest(v_keys, v_ops) as x (key, op)
                join tideway_private.waiting q on q.local_key = x.key
               where q.mapping = claim_push.mapping
                 and q.local_key = any (v_keys)) as k
       where w.mapping = claim_push.mapping
         and w.local_key = any (v_keys)
         and w.local_key = k.key
      returning w.local_key, k.goes, k.deaths
    )
    select array_agg(x.key order by x.n) filter (where coalesce(k.goes, true)), array_agg(x.op order by x.n) filter (where coalesce(k.goes, true)),
           array_agg(x.xid order by x.n) filter (where coalesce(k.goes, true)), array_agg(x.marked_at order by x.n) filter (where coalesce(k.goes, true)),
           array_agg(x.key order by k.deaths, x.n) filter (where k.goes and k.deaths > 0),
           count(*) filter (where k.goes and k.deaths = 1)
      into v_keys, v_ops, v_xids, v_marked, v_suspects, v_once
      from unnest(v_keys, v_ops, v_xids, v_marked) with ordinality as x (key, op, xid, marked_at, n)
      left join known k on k.local_key = x.key;
    if v_keys is null then
      return null;
    end if;

    -- Rows that were out when a daemon died go after the others and in small parts, the second time one by one: one of
    -- them may have killed it. What stays behind was claimed here, so nobody holds a mark of it and waits for us.
    if v_suspects is not null and cardinality(v_keys) > 1 then
      if v_suspects @> v_keys then
        v_suspects := v_suspects[greatest(least(v_once, max_rows / 10), 1) + 1 :];
      end if;
      insert into tideway_private.outbox as o (mapping, local_key, lane, op, xid, marked_at, org_id)
      select claim_push.mapping, x.key, (hashtextextended(x.key, 0) & 15)::smallint, x.op, x.xid, x.marked_at, v_map.org_id
        from unnest(v_keys, v_ops, v_xids, v_marked) as x (key, op, xid, marked_at)
       where x.key = any (v_suspects)
       order by x.key collate "C";
      select array_agg(x.key order by x.n), array_agg(x.op order by x.n), array_agg(x.xid order by x.n), array_agg(x.marked_at order by x.n)
        into v_keys, v_ops, v_xids, v_marked
        from unnest(v_keys, v_ops, v_xids, v_marked) with ordinality as x (key, op, xid, marked_at, n)
       where x.key <> all (v_suspects);
    end if;
  end if;

  -- Only the lanes of its rows are taken: while a small batch is out, the next one is prepared. A suspect goes alone.
  if v_suspects is null then
    lanes := (select bit_or(1 << (hashtextextended(k, 0) & 15)::integer) from unnest(v_keys) k);
  end if;
  insert into tideway_private.in_flight (mapping, org_id, lanes, epoch, keys, ops, xids, marked_ats)
  values (mapping, v_map.org_id, lanes, epoch, v_keys, v_ops, v_xids, v_marked)
  returning id into v_batch;
  return v_batch;
end;
$$;

comment on function tideway_private.claim_push(integer, bigint, integer, integer) is
  'Moves marks of the given lanes into one in-flight batch and returns its number; null when there is nothing to do now.';
