create or replace function tideway_private.is_orphaned(run tideway.sync_runs, now timestamptz)
returns boolean
language sql
stable
set search_path = ''
as $$
  select run.status = 'running'
     and case
           when run.epoch is null then run.heartbeat_at < is_orphaned.now - interval '1 hour'
           when run.connection_id is null then run.heartbeat_at < is_orphaned.now - interval '10 minutes'
           else not exists (select from tideway.connections c
                              join tideway_private.leases l on l.connection = c.number
                             where c.id = run.connection_id and l.epoch = run.epoch and l.expires_at >= is_orphaned.now)
         end
$$;

comment on function tideway_private.is_orphaned(tideway.sync_runs, timestamptz) is
'Whether nobody works on a running run any more: the lease of its connection ran out or passed to somebody else.

A run without a connection counts as dead after ten minutes without a sign of life, one without an owner after an hour.';
