create or replace function tideway_private.left_runs(connection integer)
returns table (mapping integer, run uuid, kind text)
language sql
stable
set search_path = ''
as $$
  select m.number, r.id, r.kind
    from tideway.mappings m
    join tideway.connections c on c.id = m.connection_id
    join tideway_private.cursors k on k.mapping = m.number and k.kind = 'whole'
    join tideway.sync_runs r on r.id = k.run_id and (r.status = 'interrupted' or tideway_private.is_orphaned(r, pg_catalog.now()))
   where c.number = left_runs.connection
     and c.state = 'active'
     and m.state = 'active'
     and not exists (select from tideway_private.requests q where q.run_id = r.id)
   order by r.started_at
$$;

comment on function tideway_private.left_runs(integer) is
  'Reads of everything that were interrupted in the middle, or whose owner is gone; a read that somebody asked for is found by its request.';
