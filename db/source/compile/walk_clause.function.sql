create or replace function tideway_private.walk_clause(map tideway.mappings, table_name text)
returns text
language sql
stable
set search_path = ''
as $$
  select pg_catalog.format($sql$
  from %s as t
 where ($2[1]::text is null or (%s) > (%s))
 order by %s
 limit $1[1]$sql$, table_name, k.columns, k.after, k.columns)
    from (
      select pg_catalog.string_agg(pg_catalog.format('t.%I', x.k), ', ' order by x.n) as columns,
             pg_catalog.string_agg(pg_catalog.format('%s::%s', tideway_private.key_part('$2[1]', map.key_columns, x.n::integer), c.type), ', ' order by x.n) as after
        from pg_catalog.unnest(map.key_columns) with ordinality as x (k, n)
        join tideway_private.table_columns(map.local_table) c on c.name = x.k) as k
$$;

comment on function tideway_private.walk_clause(tideway.mappings, text) is
  'The end of a statement that walks a table in key order: the next rows after a key.';
