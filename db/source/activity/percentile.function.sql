create or replace function tideway_private.percentile(histogram bigint[], fraction numeric, max_ms bigint)
returns bigint
language sql
immutable
set search_path = ''
as $$
  with buckets as (
    select b.nr, coalesce(percentile.histogram[b.nr], 0) as amount, b.bound,
           coalesce(lag(b.bound) over (order by b.nr), 0) as floor,
           sum(coalesce(percentile.histogram[b.nr], 0)) over (order by b.nr) as reached,
           sum(coalesce(percentile.histogram[b.nr], 0)) over () as total
      from unnest(tideway_private.duration_bounds() || coalesce(max_ms, 0)) with ordinality as b (bound, nr)
  )
  select least(round(floor + (greatest(bound, floor) - floor) * (total * fraction - (reached - amount)) / amount), max_ms)::bigint
    from buckets
   where amount > 0 and reached >= total * fraction
   order by nr
   limit 1
$$;

comment on function tideway_private.percentile(bigint[], numeric, bigint) is
  'A percentile read from a duration histogram: exact to its bucket, evenly spread inside it, never above the greatest duration seen.';
