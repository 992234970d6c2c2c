create or replace function tideway_private.rows_to_retry(mapping integer, error_class text default null)
returns table (direction text, local_key text, remote_id text)
language sql
stable
set search_path = ''
as $$
  select distinct on (e.direction, coalesce(e.remote_id, e.local_key)) e.direction, e.local_key, e.remote_id
    from tideway.mappings m
    join tideway.sync_errors e on e.mapping_id = m.id
   where m.number = rows_to_retry.mapping
     and e.resolved_at is null
     and e.severity = 'error'
     and (e.local_key is not null or e.remote_id is not null)
     and (rows_to_retry.error_class is null or e.error_class = rows_to_retry.error_class)
  union all
  -- A row may wait without an open error, when somebody has closed the error by hand.
  select 'push', w.local_key, null
    from tideway_private.waiting w
   where w.mapping = rows_to_retry.mapping
     and w.reason in ('retry', 'failed', 'dependency')
     and rows_to_retry.error_class is null
     and not exists (
           select
             from tideway.mappings m
             join tideway.sync_errors e on e.mapping_id = m.id
            where m.number = rows_to_retry.mapping
              and e.resolved_at is null
              and e.severity = 'error'
              and e.direction = 'push'
              and e.local_key = w.local_key)
$$;

comment on function tideway_private.rows_to_retry(integer, text) is
  'The rows of a mapping that a retry puts back: those with an open error (of one class), and those that wait without one.';
