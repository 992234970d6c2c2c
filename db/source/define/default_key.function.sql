create or replace function tideway_private.default_key(local_table regclass)
returns text[]
language sql
stable
set search_path = ''
as $$
  select pg_catalog.array_agg(a.attname::text order by k.n)
    from (select i.* from pg_catalog.pg_index i
           where i.indrelid = local_table and (i.indisprimary or i.indisreplident) and i.indisvalid
           order by i.indisprimary desc
           limit 1) as i
    cross join lateral pg_catalog.unnest((i.indkey::smallint[])[0:i.indnkeyatts - 1]) with ordinality as k (attnum, n)
    join pg_catalog.pg_attribute a on a.attrelid = local_table and a.attnum = k.attnum
$$;

comment on function tideway_private.default_key(regclass) is
  'The primary key of a table, else the key that its log uses; null when it has none.';
