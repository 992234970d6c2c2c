create or replace function tideway_private.mark_changes(
  slot       name,
  epoch      bigint,
  lsn        pg_lsn,
  relations  oid[],
  keys       text[],
  ops        smallint[],
  xids       bigint[],
  moved_relations oid[] default '{}',
  moved_from      text[] default '{}',
  moved_to        text[] default '{}',
  moved_xids      bigint[] default '{}',
  key_relations   oid[]    default '{}',
  key_lists       text[]   default '{}',
  committed_at    timestamptz default null
)
returns integer[]
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_marked  integer[];
begin
  -- Marks that die with the server come again from the log: the follower confirms only what is on the disk.
  perform set_config('synchronous_commit', 'off', true);
  -- Marks and position are one transaction; a follower that was replaced changes neither.
  update tideway_private.positions p
     set lsn = mark_changes.lsn,
         updated_at = clock_timestamp()
   where p.slot = mark_changes.slot
     and p.epoch = mark_changes.epoch;
  if not found then
    raise exception 'Slot "%" is followed by somebody else: epoch % is over.', slot, epoch
      using errcode = 'TWFOL', hint = 'Stop following; the newer follower goes on.';
  end if;

  with marked as (
    insert into tideway_private.outbox as o (mapping, local_key, lane, op, xid, org_id, marked_at)
    select m.number, x.key, (hashtextextended(x.key, 0) & 15)::smallint, x.op, x.xid, m.org_id,
           coalesce(mark_changes.committed_at, clock_timestamp())
      from (select u.relation, u.op, u.xid, u.key as given from unnest(relations, keys, ops, tideway_private.widen_xids(xids)) as u (relation, key, op, xid)) as g
      join tideway.mappings m
        on m.local_table = g.relation
       and m.direction in ('push', 'both')
       and m.state in ('pending', 'active', 'paused')
       and m.activated_at is not null
     cross join lateral (select g.op, g.xid, case when cardinality(m.key_columns) = 1 then g.given else g.given::jsonb::text end as key) as x
     order by m.number, x.key collate "C"
    on conflict on constraint outbox_pkey do update
       set op = o.op | excluded.op,
           -- The later commit in WAL order, never the greater number.
           xid = excluded.xid,
           changed_at = excluded.changed_at
    returning o.mapping
  )
  select coalesce(array_agg(distinct k.mapping), '{}') into v_marked from marked k;

  if cardinality(relations) + cardinality(moved_relations) > 0 then
    perform tideway_private.bump_reads(relations || moved_relations, xids || moved_xids);
  end if;

  insert into tideway_private.key_moves (mapping, org_id, old_key, new_key, xid)
  select m.number, m.org_id,
         case when cardinality(m.key_columns) = 1 then x.old_key else x.old_key::jsonb::text end,
         case when cardinality(m.key_columns) = 1 then x.new_key else x.new_key::jsonb::text end,
         x.xid
    from unnest(moved_relations, moved_from, moved_to, tideway_private.widen_xids(moved_xids)) with ordinality as x (relation, old_key, new_key, xid, n)
    join tideway.mappings m
      on m.local_table = x.relation
     and m.direction in ('push', 'both')
     and m.state in ('pending', 'active', 'paused')
     and m.activated_at is not null
   order by x.n;

  -- Keys that were read by other columns than a mapping's own mark nothing that exists: then only a look at every row helps.
  if exists (
    select from unnest(key_relations, key_lists) as k (relation, list)
      join tideway.mappings m on m.local_table = k.relation and to_jsonb(m.key_columns)::text <> k.list
     where m.direction in ('push', 'both') and m.state in ('pending', 'active', 'paused') and m.activated_at is not null)
  then
    perform tideway_private.ask_compare(key_relations, 'its key was read by other columns');
  end if;
  return v_marked;
end;
$$;

comment on function tideway_private.mark_changes(name, bigint, pg_lsn, oid[], text[], smallint[], bigint[], oid[], text[], text[], bigint[], oid[], text[], timestamptz) is
$$Marks rows as perhaps different from what the apps have, and moves the follower's position, in one transaction. Returns the mappings.

A key is the text of its one column, or a JSON list in the order of followed_tables(). Each (relation, key) comes once.
key_lists (JSON lists by relation) say by which columns
the keys were read; committed_at is when the earliest of the changes was committed. Ops are bits: 1 changed, 2 deleted, 4 asked for, 8 asked for in full.$$;
