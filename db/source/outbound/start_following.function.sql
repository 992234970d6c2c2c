create or replace function tideway_private.start_following(slot name, system_identifier text, timeline integer, owner text)
returns table (epoch bigint, lsn pg_lsn, other_system boolean)
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_known  tideway_private.positions;
  v_other  boolean;
  -- Should SQL show another one than the protocol, both are kept.
  v_here   text := concat_ws('/', system_identifier, nullif(tideway_private.server_identifier(), system_identifier));
begin
  select p.* into v_known from tideway_private.positions p where p.slot = start_following.slot for update;
  if not found then
    insert into tideway_private.positions as p (slot, system_identifier, timeline, lsn, epoch, owner)
    values (start_following.slot, v_here, start_following.timeline, '0/0', nextval('tideway_private.epochs'), start_following.owner);
    return query select p.epoch, null::pg_lsn, false from tideway_private.positions p where p.slot = start_following.slot;
    return;
  end if;

  v_other := v_known.system_identifier <> v_here;
  if v_other and v_known.system_identifier is distinct from 'noted/' || tideway_private.server_identifier() then
    perform tideway_private.pause_copy();
  end if;
  return query
    update tideway_private.positions p
       set epoch = nextval('tideway_private.epochs'),
           owner = start_following.owner,
           system_identifier = v_here,
           timeline = start_following.timeline,
           updated_at = clock_timestamp()
     where p.slot = start_following.slot
    returning p.epoch, p.lsn, v_other;
end;
$$;

comment on function tideway_private.start_following(name, text, integer, text) is
  'Makes the caller the one follower of a slot and tells where it stands; another server than before pauses all connections.';
