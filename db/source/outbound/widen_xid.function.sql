create or replace function tideway_private.widen_xid(xid bigint)
returns xid8
language sql
stable
set search_path = ''
as $$
  -- The WAL carries 32 bits. The nearest full number counts: a commit that no snapshot shows yet may equal xmax.
  select (x.xmax + (((xid - (x.xmax & 4294967295) + 2147483648 + 4294967296) % 4294967296) - 2147483648))::text::xid8
    from (select pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::bigint as xmax) as x
$$;

comment on function tideway_private.widen_xid(bigint) is
  'The full transaction number nearest to now for the 32 bits found in the WAL.';
