create or replace function tideway_private.transform_expression(value text, transform text)
returns text
language sql
stable
set search_path = ''
as $$
  -- A chain such as "trim|empty_to_null" runs from left to right; a name without a schema must be built in.
  select coalesce(
    (with recursive steps as (
       select n, step from pg_catalog.string_to_table(transform, '|') with ordinality as s (step, n)
     ), chain as (
       select 0::bigint as n, value as expression
       union all
       select s.n,
              case
                when b.name = 'lookup' then c.expression
                when b.name is not null then
                  pg_catalog.format('tideway.transform(%s, %L, %s)', c.expression, b.name,
                                    pg_catalog.quote_nullable(case when s.step like '%:%' then pg_catalog.substr(s.step, pg_catalog.strpos(s.step, ':') + 1) end))
                else pg_catalog.format('%s(%s)', s.step, c.expression)
              end
         from chain c
         join steps s on s.n = c.n + 1
         left join tideway.builtin_transforms() b on b.name = pg_catalog.split_part(s.step, ':', 1)
     )
     select expression from chain order by n desc limit 1),
    value)
$$;

comment on function tideway_private.transform_expression(text, text) is
  'The SQL of a transform on a jsonb expression; a name of the user''s own must already be a quoted, qualified function.';
