create or replace view tideway.queue_status with (security_invoker = true) as
-- Ranges with an order where = would say the same: see mapping_status.
select m.name as mapping, c.name as connection, m.state,
       (select count(*) from (select from tideway_private.outbox o where o.mapping between m.number and m.number order by o.mapping, o.seq limit 10000) x) as marks,
       (select greatest(now() - o.marked_at, '0') from tideway_private.outbox o where o.mapping between m.number and m.number order by o.mapping, o.seq limit 1) as oldest_mark_age,
       (select coalesce(sum(cardinality(f.ops)), 0) from tideway_private.in_flight f where f.mapping = m.number) as in_flight,
       (select count(*) from (select from tideway_private.waiting w where (w.mapping, w.reason) >= (m.number, 'retry') and (w.mapping, w.reason) <= (m.number, 'retry') order by w.mapping, w.reason limit 10000) x) as waiting_retry,
       (select count(*) from (select from tideway_private.waiting w where (w.mapping, w.reason) >= (m.number, 'failed') and (w.mapping, w.reason) <= (m.number, 'failed') order by w.mapping, w.reason limit 10000) x) as waiting_failed,
       (select count(*) from (select from tideway_private.waiting w where (w.mapping, w.reason) >= (m.number, 'paused') and (w.mapping, w.reason) <= (m.number, 'paused') order by w.mapping, w.reason limit 10000) x) as waiting_paused,
       (select count(*) from (select from tideway_private.waiting w where (w.mapping, w.reason) >= (m.number, 'conflict') and (w.mapping, w.reason) <= (m.number, 'conflict') order by w.mapping, w.reason limit 10000) x) as waiting_conflict,
       (select count(*) from (select from tideway_private.waiting w where (w.mapping, w.reason) >= (m.number, 'dependency') and (w.mapping, w.reason) <= (m.number, 'dependency') order by w.mapping, w.reason limit 10000) x) as waiting_dependency,
       (select count(*) from (select from tideway_private.waiting w where (w.mapping, w.reason) >= (m.number, 'flapping') and (w.mapping, w.reason) <= (m.number, 'flapping') order by w.mapping, w.reason limit 10000) x) as waiting_flapping,
       (select count(*) from (select from tideway_private.rereads r where r.mapping = m.number limit 10000) x) as rereads,
       (select count(*) from (select from tideway_private.requests q where q.mapping = m.number limit 10000) x) as requests,
       m.org_id
  from tideway.mappings m
  join tideway.connections c on c.id = m.connection_id
 where m.state <> 'unmapped'
 order by m.name;

comment on view tideway.queue_status is
'What waits to be written? One row per mapping. Every count stops at 10,000, which then means that many or more.

  select mapping, marks, oldest_mark_age, in_flight, waiting_retry, waiting_failed from tideway.queue_status;';
comment on column tideway.queue_status.mapping is 'The mapping.';
comment on column tideway.queue_status.connection is 'The connection.';
comment on column tideway.queue_status.state is 'The mapping''s state.';
comment on column tideway.queue_status.marks is 'Rows that may differ from what the app has.';
comment on column tideway.queue_status.oldest_mark_age is 'How long the oldest of them waits.';
comment on column tideway.queue_status.in_flight is 'Rows that a push holds now.';
comment on column tideway.queue_status.waiting_retry is 'Rows that are tried again when they are due.';
comment on column tideway.queue_status.waiting_failed is 'Rows that gave up; a change or retry_row puts them back.';
comment on column tideway.queue_status.waiting_paused is 'Rows paused by hand.';
comment on column tideway.queue_status.waiting_conflict is 'Rows with an open conflict.';
comment on column tideway.queue_status.waiting_dependency is 'Rows that wait for another row.';
comment on column tideway.queue_status.waiting_flapping is 'Rows held because Tideway alone kept rewriting them.';
comment on column tideway.queue_status.rereads is 'Records that will be read again.';
comment on column tideway.queue_status.requests is 'Requests that the daemon has not taken yet.';
comment on column tideway.queue_status.org_id is 'The organisation.';
