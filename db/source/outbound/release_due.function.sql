create or replace function tideway_private.release_due(mapping integer default null, max_rows integer default 1000)
returns integer
language sql
volatile
set search_path = ''
as $$
  with due as (
    update tideway_private.waiting w
       set due_at = null, marked = false
      from (select q.mapping, q.local_key
              from tideway_private.waiting q
             where q.due_at <= pg_catalog.clock_timestamp()
               and (release_due.mapping is null or q.mapping = release_due.mapping)
             order by q.due_at
             limit max_rows
               for update skip locked) as d
     where w.mapping = d.mapping and w.local_key = d.local_key
    returning w.mapping, w.local_key, w.org_id, w.op
  ), marked as (
    insert into tideway_private.outbox as o (mapping, local_key, lane, op, org_id)
    select d.mapping, d.local_key, (pg_catalog.hashtextextended(d.local_key, 0) & 15)::smallint, d.op, d.org_id
      from due d
     order by d.mapping, d.local_key collate "C"
    on conflict on constraint outbox_pkey do update set op = o.op | excluded.op
    returning 1
  )
  select pg_catalog.count(*)::integer from marked
$$;

comment on function tideway_private.release_due(integer, integer) is
  'Moves retries whose time has come back into the outbox; their counts of attempts stay.';
