create or replace function tideway_private.carry_out_unmap(mapping integer, args jsonb)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
begin
  -- No page may be under way: it would make links for a mapping that is gone.
  perform pg_advisory_xact_lock(tideway_private.lock_key('apply'), carry_out_unmap.mapping);
  -- Mapped again meanwhile: the links live on, and so do the marks.
  if not exists (select from tideway.mappings m where m.number = carry_out_unmap.mapping and m.state = 'unmapped' for update) then
    return true;
  end if;
  -- What was sent is settled first, so that its ids are in the links.
  if exists (select from tideway_private.in_flight f where f.mapping = carry_out_unmap.mapping) then
    return false;
  end if;

  delete from tideway_private.outbox o where o.mapping = carry_out_unmap.mapping;
  delete from tideway_private.waiting w where w.mapping = carry_out_unmap.mapping;
  delete from tideway_private.rereads r where r.mapping = carry_out_unmap.mapping;
  update tideway_private.deletions d
     set state = 'withdrawn', decided_at = clock_timestamp()
   where d.mapping = carry_out_unmap.mapping and d.state in ('pending', 'held', 'released');

  if (args ->> 'forget')::boolean then
    delete from tideway_private.key_moves k where k.mapping = carry_out_unmap.mapping;
    delete from tideway_private.links l where l.mapping = carry_out_unmap.mapping;
    delete from tideway.mappings m where m.number = carry_out_unmap.mapping;
  end if;
  return true;
end;
$$;

comment on function tideway_private.carry_out_unmap(integer, jsonb) is
  'Drops the marks of an unmapped mapping, and its links when they are to be forgotten; false while something is in flight.';
