create or replace function tideway_private.look_for_work(connections integer[])
returns table (connection integer, kind text, mapping integer)
language sql
stable
set search_path = ''
-- These tables are empty at most times, and then a plan that reads all of one looks cheapest; it is kept until they are full.
set enable_seqscan = off
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
     select d.kind
       from tideway_private.due_reads d
      where m.state = 'active' and c.state = 'active' and d.mapping = m.number and d.due_at <= pg_catalog.clock_timestamp()
     union all
     select 'plan'
      where m.state = 'active'
        and exists (select from tideway_private.schedule_of(m) s
                     where not exists (select from tideway_private.due_reads d
                                        where d.mapping = m.number and d.kind = s.kind and d.definition = s.definition))
     union all
     select 'activate' where m.state = 'pending' and c.state = 'active') as w
   where c.number = any (connections)
  union all
  select distinct r.connection, case when tideway_private.is_read_request(r.kind) then 'read' else 'request' end, null::integer
    from tideway_private.requests r
   where r.connection = any (connections)
  union all
  select distinct c.number, 'resume', null::integer
    from unnest(connections) as c (number)
   cross join lateral tideway_private.left_runs(c.number)
  union all
  select c.number, 'subscribe', null
    from tideway.connections c
   where c.number = any (connections)
     and c.state = 'active'
     and tideway_private.subscription_is_due(c.number)
  union all
  -- What the app's tables look like is read again every hour.
  select c.number, 'catalogue', null
    from tideway.connections c
   where c.number = any (connections)
     and c.state = 'active'
     and exists (select from tideway.mappings m where m.connection_id = c.id and m.state = 'active')
     and (select pg_catalog.max(t.read_at) from tideway.remote_tables t where t.connection_id = c.id) < pg_catalog.now() - interval '1 hour'
$$;

comment on function tideway_private.look_for_work(integer[]) is
  'What waits for the owner of these connections: marks to push, retries that are due, records to read again, polls and sweeps, requests, mappings to activate.';
