create or replace function tideway_private.look_for_work(connections integer[])
returns table (connection integer, kind text, mapping integer)
language sql
stable
set search_path = ''
as $$
  -- One cheap look for all connections of a daemon: every branch stops at the first row of an index.
  select c.number, w.kind, m.number
    from tideway.connections c
    join tideway.mappings m on m.connection_id = c.id
   cross join lateral (
     select 'push' as kind
      where m.state = 'active' and c.state = 'active'
        and exists (select from tideway_private.outbox o where o.mapping = m.number)
     union all
     select 'due'
      where m.state = 'active' and c.state = 'active'
        and exists (select from tideway_private.waiting w where w.due_at <= pg_catalog.clock_timestamp() and w.mapping = m.number)
     union all
     select 'reread'
      where m.state = 'active' and c.state = 'active'
        and exists (select from tideway_private.rereads r where r.mapping = m.number and r.due_at <= pg_catalog.clock_timestamp())
     union all
     select 'activate' where m.state = 'pending' and c.state = 'active') as w
   where c.number = any (connections)
  union all
  select distinct r.connection, 'request', null::integer
    from tideway_private.requests r
   where r.connection = any (connections)
$$;

comment on function tideway_private.look_for_work(integer[]) is
  'What waits for the owner of these connections: marks to push, retries that are due, records to read again, requests, mappings to activate.';
