create or replace function tideway_private.distrust_position(slot name, epoch bigint, lsn pg_lsn, doubt text)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
begin
  update tideway_private.positions p
     set lsn = distrust_position.lsn,
         updated_at = clock_timestamp()
   where p.slot = distrust_position.slot
     and p.epoch = distrust_position.epoch;
  if not found then
    raise exception 'Slot "%" is followed by somebody else: epoch % is over.', slot, epoch
      using errcode = 'TWFOL', hint = 'Stop following; the newer follower goes on.';
  end if;
  return tideway_private.ask_compare(null, doubt);
end;
$$;

comment on function tideway_private.distrust_position(name, bigint, pg_lsn, text) is
  'Goes on from another position than the stored one: what lies between is unknown, so all rows are compared.';
