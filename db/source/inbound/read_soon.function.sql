create or replace function tideway_private.read_soon(mapping integer)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
begin
  update tideway_private.due_reads d
     set due_at = least(d.due_at, clock_timestamp()), trigger = 'webhook'
   where d.mapping = read_soon.mapping
     and d.kind = 'poll';
  if not found then
    return false;
  end if;
  perform pg_notify('tideway_requests', coalesce((select c.number::text from tideway.mappings m join tideway.connections c on c.id = m.connection_id
                                                   where m.number = read_soon.mapping), ''));
  return true;
end;
$$;

comment on function tideway_private.read_soon(integer) is
  'Makes the poll of a mapping due now and wakes its owner: an app said that something changed, without an id. False when it is never polled.';
