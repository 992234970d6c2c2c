create or replace function tideway_private.stray_rows()
returns table (name text, rows bigint)
language sql
stable
security definer
set search_path = ''
as $$
  select 'tideway.sync_activity_log_default', (select count(*) from (select from tideway.sync_activity_log_default limit 10000) x)
  union all
  select 'tideway_private.field_lineage_default', (select count(*) from (select from tideway_private.field_lineage_default limit 10000) x)
$$;

comment on function tideway_private.stray_rows() is
  'How many rows are in the default partitions, up to 10,000. A definer, because a partition is open to nobody; it tells counts and nothing else.';
