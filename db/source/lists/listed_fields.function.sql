create or replace function tideway_private.listed_fields(map tideway.mappings, keys text[])
returns table (local_key text, fields text[])
language plpgsql
stable
set search_path = ''
as $$
#variable_conflict use_column
begin
  if not exists (select from tideway.sync_list x where x.org_id = map.org_id and x.is_active and x.fields is not null) then
    return;
  end if;
  -- Who names no fields wants all of them, so one such item frees the row.
  return query
    select r.local_key, pg_catalog.array_agg(distinct f.name)
      from tideway.mappings m
      join tideway_private.row_links l
        on l.mapping = m.number and l.local_key = any (keys) and l.remote_id is not null
      join tideway.connections c on c.id = m.connection_id
      join tideway.sync_list s
        on s.org_id = map.org_id and s.is_active and s.source_platform = c.system and s.source_id = l.remote_id
     cross join lateral tideway_private.resolve_list_item(s) r
      left join lateral pg_catalog.unnest(s.fields) as f (name) on true
     where m.local_table = map.local_table
       and m.org_id = map.org_id
       and r.local_key = any (keys)
       and r.target_mapping = map.number
     group by r.local_key
    having pg_catalog.bool_and(s.fields is not null);
end;
$$;

comment on function tideway_private.listed_fields(tideway.mappings, text[]) is
  'The rows of which the sync list lets only some fields go to this mapping''s app, and which.';
