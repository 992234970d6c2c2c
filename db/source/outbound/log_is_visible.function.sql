create or replace function tideway_private.log_is_visible(xid text)
returns boolean
language sql
stable
set search_path = ''
as $$
  select pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()) >= xid::xid8
$$;

comment on function tideway_private.log_is_visible(text) is
  'Whether every transaction before this one shows in snapshots by now; before that a comparison could miss a commit that the log has.';
