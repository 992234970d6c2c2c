create or replace function tideway_private.receive_webhooks(deliveries jsonb)
returns table (connection integer, delivery_id text)
language sql
volatile
set search_path = ''
as $$
  with given as (
    select distinct on (x.connection, x.id) x.connection, x.id, x.changed, x.attempt, x.ms, c.org_id, c.id as connection_id, c.system
      from pg_catalog.jsonb_to_recordset(deliveries) as x (connection integer, id text, changed jsonb, attempt integer, ms integer)
      join tideway.connections c on c.number = x.connection
     order by x.connection, x.id
  ), stored as (
    -- In one order, so that two daemons with the same deliveries do not wait for each other in a circle.
    insert into tideway_private.inbox as i (connection, delivery_id, org_id, changed)
    select g.connection, g.id, g.org_id, g.changed from given g order by g.connection, g.id collate "C"
    on conflict on constraint inbox_pkey do nothing
    returning i.connection, i.delivery_id
  ), logged as (
    insert into tideway.sync_activity_log (org_id, connection_id, source_system, entity_type, action, status, record_count, record_id, attempt_number, duration_ms, metadata)
    select g.org_id, g.connection_id, g.system, 'webhook', 'webhook_received', 'completed', n.records, case n.records when 1 then n.id end, g.attempt,
           g.ms, pg_catalog.jsonb_build_object('delivery_id', g.id)
      from stored s
      join given g on g.connection = s.connection and g.id = s.delivery_id
     cross join lateral (select pg_catalog.count(*) as records, pg_catalog.min(i.id) as id
                           from pg_catalog.jsonb_array_elements(g.changed) c, pg_catalog.jsonb_array_elements_text(c -> 'ids') as i (id)) n
  )
  select s.connection, s.delivery_id from stored s
$$;

comment on function tideway_private.receive_webhooks(jsonb) is
'Stores deliveries that proved genuine, before they are answered, and logs each once; returns those that were not there yet.

Each is {"connection", "id", "changed": [{"table", "ids"}], "ms"}; attempt is what the sender said; a table that is null means every mapped table.';
