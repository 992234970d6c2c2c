create or replace function tideway_private.begin_work(mapping integer, epoch bigint)
returns tideway.mappings
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_map  tideway.mappings;
begin
  select m.* into v_map from tideway.mappings m where m.number = begin_work.mapping;
  if not found then
    raise exception 'Mapping number % does not exist.', mapping
      using errcode = 'TWMAP', hint = 'List them with: select name from tideway.mappings;';
  end if;

  -- The key share lock holds a take-over off, but no renewal, until this transaction ends: an old owner can start nothing after it.
  perform from tideway_private.leases l
    join tideway.connections c on c.number = l.connection
   where c.id = v_map.connection_id
     and l.epoch = begin_work.epoch
     and l.expires_at > clock_timestamp()
     for key share of l;
  if not found then
    raise exception 'The lease of mapping "%" is not held under epoch %.', v_map.name, epoch
      using errcode = 'TWLSE',
            hint = 'Another daemon owns the connection, or the lease ran out; take it again before going on.';
  end if;
  return v_map;
end;
$$;

comment on function tideway_private.begin_work(integer, bigint) is
  'The mapping, once it is sure that the caller still owns its connection; every daemon function begins here.';
