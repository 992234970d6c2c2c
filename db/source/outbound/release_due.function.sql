create or replace function tideway_private.release_due(mapping integer default null, max_rows integer default 1000)
returns integer
language plpgsql
volatile
set search_path = ''
-- These tables are empty at most times, and then a plan that reads all of one looks cheapest; it is kept until they are full.
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  v_mapping   integer;
  v_released  integer;
  v_all       integer := 0;
begin
  for v_mapping in
    select distinct w.mapping
      from tideway_private.waiting w
     where w.due_at <= clock_timestamp()
       and (release_due.mapping is null or w.mapping = release_due.mapping)
     order by w.mapping
  loop
    -- Whoever touches waiting rows and marks together takes the lock of the claims first.
    perform pg_advisory_xact_lock(tideway_private.lock_key('claim'), v_mapping);
    with due as (
      update tideway_private.waiting w
         set due_at = null, marked = false
       where w.mapping = v_mapping
         and w.local_key = any (array(
               select q.local_key
                 from tideway_private.waiting q
                where q.mapping = v_mapping
                  and q.due_at <= clock_timestamp()
                order by q.due_at
                limit max_rows
                  for update skip locked))
      returning w.mapping, w.local_key, w.org_id, w.op
    ), marked as (
      insert into tideway_private.outbox as o (mapping, local_key, lane, op, org_id)
      select d.mapping, d.local_key, (hashtextextended(d.local_key, 0) & 15)::smallint, d.op, d.org_id
        from due d
       order by d.local_key collate "C"
      on conflict on constraint outbox_pkey do update set op = o.op | excluded.op
      returning 1
    )
    select count(*) into v_released from marked;
    v_all := v_all + v_released;
  end loop;
  return v_all;
end;
$$;

comment on function tideway_private.release_due(integer, integer) is
  'Moves retries whose time has come back into the outbox; their counts of attempts stay.';
