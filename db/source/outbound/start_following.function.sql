create or replace function tideway_private.start_following(slot name, system_identifier text, timeline integer, owner text)
returns table (epoch bigint, lsn pg_lsn, other_system boolean)
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_known  tideway_private.positions;
begin
  select p.* into v_known from tideway_private.positions p where p.slot = start_following.slot for update;
  if not found then
    insert into tideway_private.positions as p (slot, system_identifier, timeline, lsn, epoch, owner)
    values (start_following.slot, start_following.system_identifier, start_following.timeline, '0/0', nextval('tideway_private.epochs'), start_following.owner);
    return query select p.epoch, null::pg_lsn, false from tideway_private.positions p where p.slot = start_following.slot;
    return;
  end if;

  if v_known.system_identifier <> start_following.system_identifier then
    -- A restored or cloned database: its marks were counted by another server, and its apps are perhaps production's.
    update tideway_private.outbox o set xid = null where o.xid is not null;
    update tideway_private.key_moves k set xid = null where k.xid is not null;
    update tideway.connections c
       set state = 'paused', paused_at = clock_timestamp(),
           paused_reason = 'SYSTEM_ID_CHANGED: this database was restored or cloned from another server. If it should write to this account, call tideway.resume_connection.'
     where c.state = 'active';
  end if;
  return query
    update tideway_private.positions p
       set epoch = nextval('tideway_private.epochs'),
           owner = start_following.owner,
           system_identifier = start_following.system_identifier,
           timeline = start_following.timeline,
           updated_at = clock_timestamp()
     where p.slot = start_following.slot
    returning p.epoch, p.lsn, v_known.system_identifier <> start_following.system_identifier;
end;
$$;

comment on function tideway_private.start_following(name, text, integer, text) is
  'Makes the caller the one follower of a slot and tells where it stands; another server than before pauses all connections.';
