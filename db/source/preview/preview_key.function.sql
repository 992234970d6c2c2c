create or replace function tideway_private.preview_key(mapping integer)
returns text
language sql
stable
set search_path = ''
as $$
  select 'mapping:' || m.id || ':' || pg_catalog.md5(pg_catalog.jsonb_build_array(
           m.generation, m.direction, m.local_table::text, m.remote_table, m.local_filter, m.remote_filter, m.pattern, m.only_listed, m.match_on,
           (select p.updated_at from tideway.saved_search_patterns p
             where p.org_id = m.org_id and p.name = m.pattern order by p.user_id is null desc, p.created_at limit 1),
           (select pg_catalog.jsonb_agg(pg_catalog.to_jsonb(c) order by c.ordinal) from tideway.mapping_columns c where c.mapping_id = m.id)
         )::text)
    from tideway.mappings m
   where m.number = preview_key.mapping
$$;

comment on function tideway_private.preview_key(integer) is
  'The key under which a mapping''s preview is cached, made from all that decides it: another definition is another key.';
