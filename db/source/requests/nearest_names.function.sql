create or replace function tideway_private.nearest_names(word text, names text[])
returns text
language sql
immutable
set search_path = ''
as $$
  -- Shared pairs of letters, twice over the sum of both: needs no extension and forgives one slip of the pen.
  with word as (
    select array(select distinct substr(w, i, 2) from generate_series(1, greatest(length(w) - 1, 1)) i) as pairs
      from lower(nearest_names.word) as w
  ), scored as (
    select n.name, 2.0 * count(*) filter (where p.pair = any (word.pairs)) / (count(*) + cardinality(word.pairs)) as score
      from unnest(nearest_names.names) as n (name)
      cross join word
      cross join lateral (select distinct substr(lower(n.name), i, 2)
                            from generate_series(1, greatest(length(n.name) - 1, 1)) i) as p (pair)
     group by n.name, word.pairs
  )
  select string_agg(format('"%s"', s.name), ', ' order by s.score desc, s.name)
    from (select * from scored where score >= 0.3 order by score desc, name limit 3) s
$$;

comment on function tideway_private.nearest_names(text, text[]) is
  'Up to three names that resemble a word, quoted, the nearest first; null when none does.';
