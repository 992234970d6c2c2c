create or replace function tideway_private.restart_read(mapping integer, epoch bigint, run uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
#variable_conflict use_column
declare
  v_map  tideway.mappings := tideway_private.begin_work(mapping, epoch);
begin
  -- What this run saw until now exists: it stays seen.
  delete from tideway_private.cursors c
   using tideway.sync_runs r
   where r.id = restart_read.run
     and c.mapping = v_map.number
     and c.kind = r.metadata ->> 'read'
     and not r.dry_run;
  update tideway.sync_runs r
     set metadata = r.metadata || '{"read": "whole"}'
   where r.id = restart_read.run;
end;
$$;

comment on function tideway_private.restart_read(integer, bigint, uuid) is
  'The app has forgotten the place of a read: the run begins at the first record.';
