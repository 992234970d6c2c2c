create or replace function tideway_private.object_expression(pairs text[])
returns text
language sql
stable
set search_path = ''
as $$
  -- A function takes a hundred arguments at most, and each pair is two.
  select coalesce('(' || pg_catalog.string_agg(pg_catalog.format('pg_catalog.jsonb_build_object(%s)', s.part), E'\n       || ' order by s.n) || ')', '''{}''::jsonb')
    from (select (x.n - 1) / 50 as n, pg_catalog.string_agg(x.pair, ', ' order by x.n) as part
            from pg_catalog.unnest(pairs) with ordinality as x (pair, n)
           group by 1) as s
$$;

comment on function tideway_private.object_expression(text[]) is
  'SQL that makes a JSON object of any number of pairs, each given as a name and an expression.';
