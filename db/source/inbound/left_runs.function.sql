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
    join tideway.sync_runs r on r.id = k.run_id and tideway_private.was_left(r)
   where c.number = left_runs.connection
     and c.state = 'active'
     and m.state = 'active'
   order by r.started_at
$$;

comment on function tideway_private.left_runs(integer) is
  'Reads of everything that were left in the middle.';
