create or replace function tideway_private.key_expression(alias text, key_columns text[])
returns text
language sql
immutable
set search_path = ''
as $$
  select case pg_catalog.cardinality(key_columns)
           when 1 then pg_catalog.format('%s.%I::text', alias, key_columns[1])
           else 'pg_catalog.jsonb_build_array('
                || (select pg_catalog.string_agg(pg_catalog.format('%s.%I::text', alias, c), ', ' order by n)
                      from pg_catalog.unnest(key_columns) with ordinality as k (c, n))
                || ')::text'
         end
$$;

comment on function tideway_private.key_expression(text, text[]) is
  'The SQL of a row''s local key: the text of its one key column, or a JSON list of several.';
