create or replace function tideway_private.listed_ids(map tideway.mappings, ids text[])
returns text[]
language sql
stable
set search_path = ''
as $$
  select coalesce(pg_catalog.array_agg(distinct s.source_id), '{}')
    from tideway.connections c
    join tideway.sync_list s
      on s.org_id = map.org_id and s.is_active and s.source_platform = c.system and s.source_id = any (ids)
   cross join lateral tideway_private.resolve_list_item(s) r
   where c.id = map.connection_id
     and r.source_mapping = map.number
$$;

comment on function tideway_private.listed_ids(tideway.mappings, text[]) is
  'Which records of a page are on the sync list, for a mapping that carries only those.';
