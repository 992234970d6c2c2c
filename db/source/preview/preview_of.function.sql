create or replace function tideway_private.preview_of(run tideway.sync_runs)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select pg_catalog.jsonb_build_object(
           'creates', coalesce(pg_catalog.jsonb_agg(c - 'op') filter (where c ->> 'op' = 'create'), '[]'),
           'updates', coalesce(pg_catalog.jsonb_agg(c - 'op') filter (where c ->> 'op' = 'update'), '[]'),
           'deletions', coalesce(pg_catalog.jsonb_agg(c - 'op') filter (where c ->> 'op' = 'delete'), '[]'),
           'conflicts', coalesce(pg_catalog.jsonb_agg(c - 'op') filter (where c ->> 'op' = 'conflict'), '[]'),
           'errors', coalesce(pg_catalog.jsonb_agg(c - 'op') filter (where c ->> 'op' = 'error'), '[]'),
           'counts', pg_catalog.jsonb_build_object('read', (run).rows_processed, 'creates', (run).rows_created, 'updates', (run).rows_updated,
                                                   'deletions', (run).rows_deleted, 'errors', (run).rows_failed))
    from pg_catalog.jsonb_array_elements(coalesce((run).changes, '[]')) as x (c)
$$;

comment on function tideway_private.preview_of(tideway.sync_runs) is
  'The changes that a dry run found, as a preview shows them: about a thousand examples, and counts of all.';
