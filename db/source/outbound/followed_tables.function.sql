create or replace function tideway_private.followed_tables()
returns table (relation oid, schema_name text, table_name text, key_columns text[])
language sql
stable
set search_path = ''
as $$
  select distinct c.oid, n.nspname::text, c.relname::text, m.key_columns
    from tideway.mappings m
    join pg_catalog.pg_class c on c.oid = m.local_table
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where m.state in ('pending', 'active', 'paused')
     and m.activated_at is not null
     and (m.direction in ('push', 'both') or m.read is not null)
$$;

comment on function tideway_private.followed_tables() is
  'The tables whose changes the follower marks, with the key columns in the order in which it hands keys over.';
