create or replace function tideway_private.defer_unseen(mapping integer, ids text[], reason text)
returns void
language sql
volatile
set search_path = ''
as $$
  update tideway_private.rereads r
     set reason = defer_unseen.reason,
         attempts = r.attempts + 1,
         due_at = pg_catalog.clock_timestamp() + least(interval '5 min', interval '250 ms' * pg_catalog.power(2, least(r.attempts, 11)))
   where r.mapping = defer_unseen.mapping
     and r.remote_id = any (ids)
     and r.due_at <= pg_catalog.clock_timestamp()
$$;

comment on function tideway_private.defer_unseen(integer, text[], text) is
  'Lets records that a re-read could not show wait longer before the next one.';
