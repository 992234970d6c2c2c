create or replace function tideway_private.partitions(parent regclass)
returns table (partition regclass, is_default boolean, lower timestamptz, upper timestamptz, row_security boolean)
language sql
stable
set search_path = ''
set timezone = 'UTC'
as $$
  select c.oid::regclass,
         b.bound = 'DEFAULT',
         case when b.bound ~ 'FROM \(MINVALUE\)' then '-infinity' else substring(b.bound from 'FROM \(''([^'']+)''\)') end::timestamptz,
         case when b.bound ~ 'TO \(MAXVALUE\)' then 'infinity' else substring(b.bound from 'TO \(''([^'']+)''\)') end::timestamptz,
         c.relrowsecurity
    from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    cross join lateral (select pg_catalog.pg_get_expr(c.relpartbound, c.oid) as bound) as b
   where i.inhparent = partitions.parent
$$;

comment on function tideway_private.partitions(regclass) is
  'The partitions of a table with the time that each covers, also those that somebody made by hand.';
