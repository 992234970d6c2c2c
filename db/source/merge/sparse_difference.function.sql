create or replace function tideway_private.sparse_difference(remote_diff jsonb, remote_set jsonb, local_image jsonb)
returns jsonb
language sql
immutable
set search_path = ''
as $$
  -- The remote image is kept only where it differs from the local one.
  select (remote_diff - array(select e.key from pg_catalog.jsonb_each(remote_set) as e))
         || coalesce((select pg_catalog.jsonb_object_agg(e.key, e.value)
                        from pg_catalog.jsonb_each(remote_set) as e
                       where e.value is distinct from local_image -> e.key), '{}')
$$;

comment on function tideway_private.sparse_difference(jsonb, jsonb, jsonb) is
  'The remote difference of a link after some fields have been shown anew.';
