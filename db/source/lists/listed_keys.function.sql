create or replace function tideway_private.listed_keys(map tideway.mappings, keys text[])
returns text[]
language sql
stable
set search_path = ''
as $$
  -- From the rows to their items, never the other way: a list may be long, a batch is short.
  select coalesce(pg_catalog.array_agg(distinct r.local_key), '{}')
    from tideway.mappings m
    join tideway_private.row_links l
      on l.mapping = m.number and l.local_key = any (keys) and l.remote_id is not null
    join tideway.connections c on c.id = m.connection_id
    join tideway.sync_list s
      on s.org_id = map.org_id and s.is_active and s.source_platform = c.system and s.source_id = l.remote_id
   cross join lateral tideway_private.resolve_list_item(s) r
   where m.local_table = map.local_table
     and m.org_id = map.org_id
     and r.local_key = any (keys)
     and map.number in (r.source_mapping, r.target_mapping)
$$;

comment on function tideway_private.listed_keys(tideway.mappings, text[]) is
  'Which rows are on the sync list, for a mapping that carries only those.';
