create or replace function tideway_private.prove_creates(batch bigint, epoch bigint, links bigint[], since pg_lsn default null, give_up boolean default false)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_batch    tideway_private.in_flight;
  v_doubtful bigint[];
  v_moved    bigint[];
  v_since    pg_lsn;
begin
  select f.* into v_batch from tideway_private.in_flight f where f.id = prove_creates.batch for update;
  if not found or v_batch.epoch <> prove_creates.epoch then
    raise exception 'Batch % is not in flight under epoch %.', batch, epoch
      using errcode = 'TWLSE', hint = 'It was given back when its owner lost the lease; claim again.';
  end if;
  select array_agg(x.link) into v_doubtful
    from unnest(v_batch.link_ids, v_batch.xids) as x (link, xid)
   where x.xid is null and x.link = any (links);
  if v_doubtful is null then
    return '{"withdrawn": []}';
  end if;

  if since is null then
    -- Taken before the heartbeat is written, so that the position which the heartbeat brings is never behind it.
    v_since := pg_current_wal_insert_lsn();
    perform tideway_private.emit_heartbeat('create');
    -- A transaction that writes is flushed at its end, and the heartbeat before it.
    update tideway_private.in_flight f set epoch = f.epoch where f.id = batch;
    return jsonb_build_object('since', v_since);
  end if;
  if not give_up and not exists (select from tideway_private.positions p where p.lsn >= since) then
    return jsonb_build_object('since', since);
  end if;

  select array_agg(l.id) into v_moved
    from tideway_private.links l
   where l.id = any (v_doubtful)
     and (give_up
          or exists (select from tideway_private.key_moves k where k.mapping = l.mapping and l.local_key in (k.old_key, k.new_key)));
  if v_moved is null then
    return '{"withdrawn": []}';
  end if;

  -- Nothing of these was sent: they are claimed anew, after their links have moved.
  delete from tideway_private.links l
   where l.id = any (v_moved) and l.remote_id is null and l.sent_op = 'create'
     and not exists (select from tideway.conflicts c where c.link_id = l.id and c.resolved_at is null);
  update tideway_private.links l
     set sent = null, sent_local = null, sent_op = null, touched_at = nextval('tideway_private.moments')
   where l.id = any (v_moved) and l.remote_id is null;
  perform tideway_private.park_rows(m, array_agg(x.key), array_agg(x.op), 'retry',
            clock_timestamp() + case when give_up then interval '1 s' else '0' end)
     from tideway.mappings m
    cross join unnest(v_batch.keys, v_batch.ops, v_batch.link_ids) as x (key, op, link)
    where m.number = v_batch.mapping and x.link = any (v_moved)
    group by m.*;
  update tideway_private.in_flight f
     set keys = s.keys, ops = s.ops, xids = s.xids, marked_ats = s.marked_ats, link_ids = s.link_ids
    from (select array_agg(x.key order by x.n) as keys, array_agg(x.op order by x.n) as ops, array_agg(x.xid order by x.n) as xids,
                 array_agg(x.marked_at order by x.n) as marked_ats, array_agg(x.link order by x.n) as link_ids
            from unnest(v_batch.keys, v_batch.ops, v_batch.xids, v_batch.marked_ats, v_batch.link_ids) with ordinality as x (key, op, xid, marked_at, link, n)
           where x.link <> all (v_moved)) as s
   where f.id = batch and s.keys is not null;
  if not found then
    delete from tideway_private.in_flight f where f.id = batch;
  end if;
  return jsonb_build_object('withdrawn', (select jsonb_agg(l::text) from unnest(v_moved) as u (l)));
end;
$$;

comment on function tideway_private.prove_creates(bigint, bigint, bigint[], pg_lsn, boolean) is
$$Whether prepared creates may be sent: {"withdrawn": links} when it is known, {"since": position} when the caller must come again with it.

A mark without an xid may name a key that a row has only just moved to: the log tells so, once the follower has stored
everything that was committed when the row was read. Until then a create could be a second record of that row.$$;
