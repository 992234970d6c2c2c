create or replace function tideway_private.resolve_lookups(map tideway.mappings, fields jsonb[])
returns table (n integer, fields jsonb, missing text)
language sql
stable
set search_path = ''
as $$
  -- A remote id of a parent becomes the key of the parent's row; lists of one are how some apps show a single parent.
  select x.n::integer,
         x.fields || coalesce(pg_catalog.jsonb_object_agg(c.remote, coalesce(pg_catalog.to_jsonb(l.local_key), 'null')) filter (where c.remote is not null), '{}'),
         pg_catalog.min(c.local) filter (where v.id is not null and l.local_key is null)
    from unnest(fields) with ordinality as x (fields, n)
    left join tideway.mapping_columns c
      on c.mapping_id = map.id and c.references_mapping is not null and c.direction in ('pull', 'both') and x.fields ? c.remote
    left join lateral (
      select nullif(case pg_catalog.jsonb_typeof(x.fields -> c.remote)
                      when 'array' then x.fields -> c.remote ->> 0
                      else x.fields ->> c.remote end, '') as id) v on true
    left join tideway.mappings p on p.org_id = map.org_id and p.name = c.references_mapping
    left join tideway_private.links l
      on l.mapping = p.number and l.remote_id = v.id and l.local_gone_at is null and l.local_key is not null
   group by x.n, x.fields
$$;

comment on function tideway_private.resolve_lookups(tideway.mappings, jsonb[]) is
  'Foreign keys of records: remote ids of parents turned into local keys, and the column whose parent is not here yet.';
