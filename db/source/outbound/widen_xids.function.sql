create or replace function tideway_private.widen_xids(xids bigint[])
returns xid8[]
language sql
stable
set search_path = ''
as $$
  -- The WAL carries 32 bits. The nearest full number counts: a commit that no snapshot shows yet may equal xmax.
  select pg_catalog.array_agg((s.xmax + (((x.xid - (s.xmax & 4294967295) + 2147483648 + 4294967296) % 4294967296) - 2147483648))::text::xid8 order by x.n)
    from pg_catalog.unnest(xids) with ordinality as x (xid, n)
   cross join (select pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::bigint as xmax) as s
$$;

comment on function tideway_private.widen_xids(bigint[]) is
  'The full transaction numbers nearest to now for the 32 bits of each found in the WAL; all at once, since a call for each costs as much as its mark.';
