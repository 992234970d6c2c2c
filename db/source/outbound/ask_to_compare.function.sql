create or replace function tideway_private.ask_to_compare(mapping integer, doubt text, run uuid)
returns bigint
language sql
volatile
set search_path = ''
as $$
  -- A newer comparison begins anew, so an older one of the mapping has nothing left to do.
  with older as (
    delete from tideway_private.requests r
     where r.kind = 'compare' and r.mapping = ask_to_compare.mapping
  )
  select tideway_private.ask('compare', ask_to_compare.mapping, null,
           pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('doubt', doubt, 'after_xid', pg_catalog.pg_current_xact_id()::text,
                                                                      'links', true, 'sweep', run)))
$$;

comment on function tideway_private.ask_to_compare(integer, text, uuid) is
  'Has the owner compare every row of one mapping with its link; what differs is marked, and counted in the sweep that asks.';
