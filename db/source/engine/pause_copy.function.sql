create or replace function tideway_private.pause_copy()
returns void
language sql
volatile
set search_path = ''
as $$
  -- A restored or cloned database: its marks were counted by another server, and its apps are perhaps production's.
  update tideway_private.outbox o set xid = null where o.xid is not null;
  update tideway_private.key_moves k set xid = null where k.xid is not null;
  update tideway.connections c
     set state = 'paused', paused_at = pg_catalog.clock_timestamp(),
         paused_reason = 'SYSTEM_ID_CHANGED: this database was restored or cloned from another server. If it should write to this account, call tideway.resume_connection.'
   where c.state = 'active';
$$;

comment on function tideway_private.pause_copy() is
  'Pauses all connections of a database that was restored or cloned, and forgets the transaction numbers of the other server.';
