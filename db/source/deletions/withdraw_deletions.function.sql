create or replace function tideway_private.withdraw_deletions(mapping integer, ids text[])
returns void
language sql
volatile
set search_path = ''
as $$
  update tideway_private.deletions d
     set state = 'withdrawn', decided_at = pg_catalog.clock_timestamp()
    from tideway_private.links l
   where d.mapping = withdraw_deletions.mapping
     and d.gone_side = 'remote'
     and d.state in ('pending', 'held', 'released')
     and l.id = d.link_id
     and l.remote_id = any (ids)
$$;

comment on function tideway_private.withdraw_deletions(integer, text[]) is
  'Records that a page shows are not gone, whatever was found before: their deletions are not carried out, even if somebody approves them.';
