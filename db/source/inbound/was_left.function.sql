create or replace function tideway_private.was_left(run tideway.sync_runs)
returns boolean
language sql
stable
set search_path = ''
as $$
  select (run.status = 'interrupted' or tideway_private.is_orphaned(run, pg_catalog.now()))
     and not exists (select from tideway_private.requests q where q.run_id = run.id)
$$;

comment on function tideway_private.was_left(tideway.sync_runs) is
  'Whether a read was left in the middle, ended by somebody since or not; one that somebody asked for is found by its request.';
